# SPDX-License-Identifier: GPL-2.0-or-later
# include/sallyport/abi.h of a version that never was: members in the middle of what is pinned, but for
# what the portal reads, which is shared.
s/^#define SP_ABI_VERSION .*/#define SP_ABI_VERSION 999u/
/^struct sp_client_policy {/,/^}/s/^\t__u64 granted;.*/\t__u64 other_policy;\n&/
/^struct sp_usage {/,/^}/s/^\t__u64 up_packets;.*/\t__u64 other_usage;\n&/
/^struct sp_settings {/,/^}/s/^\t__u64 loaded_unix;.*/\t__u64 other_settings;\n&/
/^struct sp_guest {/,/^}/s/^\t__u64 packets;.*/\t__u64 other_guest;\n&/
/^struct sp_count {/,/^}/s/^\t__u64 bytes;.*/\t__u64 other_count;\n&/
/^_Static_assert(.*struct sp_\(client_policy\|usage\|settings\|guest\|count\)[,)]/d
