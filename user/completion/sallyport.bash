# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of sallyport and sallyportd for bash (with or without bash-completion).

# What the instance that the command line names says to a command; nothing without root.
_sallyport_ask() {
	local instance=() i
	for ((i = 1; i + 1 < ${#COMP_WORDS[@]}; i++)); do
		case ${COMP_WORDS[i]} in
		-I | --instance) instance=(-I "${COMP_WORDS[i + 1]}") ;;
		esac
	done
	sallyport "${instance[@]}" "$@" 2>/dev/null
}

_sallyport_macs() {
	_sallyport_ask client list | awk 'NR > 1 { print $1 }'
}

# Entries of the operator; learnt addresses are no entries.
_sallyport_garden() {
	_sallyport_ask garden list | awk 'NR > 1 && /(command line|configuration) / { print $1 }'
}

_sallyport_users() {
	_sallyport_ask -j user list | sed -n 's/^{"name":"\([^"\\]*\)".*/\1/p'
}

_sallyport_vouchers() {
	_sallyport_ask voucher list | awk 'NR > 1 && $2 != "revoked" { print $1 }'
}

_sallyport_batches() {
	_sallyport_ask -j voucher list | sed -n 's/.*"batch":"\([^"\\]\+\)".*/\1/p' | sort -u
}

_sallyport_zones() {
	_sallyport_ask -j status | grep -o '"zone": *"[^"]*"' | cut -d '"' -f 4 | sort -u
}

# Offer the words of $1 that begin with $2. A MAC's colons separate words for bash, so that only
# what follows the last one typed may be offered.
_sallyport_offer() {
	local word=$2 skipped
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
	if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
		skipped=${word%"${word##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$skipped"}")
	fi
}

# The first words of commands, or the second ones of those that begin with $1, as the program says.
_sallyport_commands() {
	sallyport help "$@" 2>/dev/null | sed -n "s/^  ${1:+$1 }\\([a-z][a-z-]*\\).*/\\1/p" | sort -u
}

# The options of a command, as the command says itself.
_sallyport_options() {
	sallyport help "$@" 2>/dev/null | sed -n 's/^  .\{0,4\}\(--[a-z-]*\).*/\1/p'
}

_sallyport() {
	local line=${COMP_LINE:0:COMP_POINT} word before words=() given=() i
	read -ra given <<<"$line"
	word=
	[[ $line == *[[:space:]] ]] || word=${given[-1]}
	[[ -z $word ]] || unset 'given[-1]'
	before=${given[-1]}

	case $before in
	-I | --instance)
		_sallyport_offer "$(cd /sys/fs/bpf 2>/dev/null && printf '%s\n' */settings | sed 's|/.*||')" "$word"
		return
		;;
	-c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--for | --idle | --interval) _sallyport_offer "30m 1h 8h 1d 7d" "$word" && return ;;
	--quota | --quota-up | --quota-down) _sallyport_offer "500M 1G 2G 10G" "$word" && return ;;
	--up | --down) _sallyport_offer "1M 5M 20M 100M" "$word" && return ;;
	--burst-up | --burst-down) _sallyport_offer "16K 64K 256K 1M" "$word" && return ;;
	--kind) _sallyport_offer "new login expired idle quota clash binding flood crowd" "$word" && return ;;
	--bind) _sallyport_offer "auto" "$word" && return ;;
	--sheet | --out)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--format) _sallyport_offer "plain csv json" "$word" && return ;;
	--mac) _sallyport_offer "$(_sallyport_macs)" "$word" && return ;;
	--user) _sallyport_offer "$(_sallyport_users)" "$word" && return ;;
	--since | --before | --at) _sallyport_offer "1h 24h 7d 30d" "$word" && return ;;
	--zone) _sallyport_offer "$(_sallyport_zones)" "$word" && return ;;
	--batch) _sallyport_offer "$(_sallyport_batches)" "$word" && return ;;
	--log-level) _sallyport_offer "error warning notice info debug" "$word" && return ;;
	--vlan | --note | --devices | --from | --until | --count | --url | --host | --days | --ip | --limit) return ;;
	esac

	# What remains without options is the command and its operand.
	for ((i = 1; i < ${#given[@]}; i++)); do
		case ${given[i]} in
		-I | --instance | -c | --config | --log-level | --zone | --vlan | --for | --idle | --quota | --quota-up | --quota-down | --up | --down | --burst-up | --burst-down | --bind | --note | --devices | --from | --until | --count | --batch | --format | --sheet | --url | --host | --days | --out | --mac | --user | --ip | --since | --before | --at | --limit | --interval | --kind) ((i++)) ;;
		-*) ;;
		help) ;;
		*) words+=("${given[i]}") ;;
		esac
	done
	[[ ${given[0]##*/} != sallyportd ]] || words=(run)

	if [[ $word == -* ]]; then
		_sallyport_offer "$(_sallyport_options "${words[@]:0:2}")" "$word"
		return
	fi
	case ${words[*]} in
	"") _sallyport_offer "$(_sallyport_commands) help" "$word" ;;
	"ledger backup") mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	"voucher revoke") _sallyport_offer "$(_sallyport_vouchers)" "$word" ;;
	"user remove" | "user passwd" | "user disable" | "user enable") _sallyport_offer "$(_sallyport_users)" "$word" ;;
	client | garden | voucher | user | ledger | cert | config) _sallyport_offer "$(_sallyport_commands "${words[0]}")" "$word" ;;
	bypass) _sallyport_offer "on off" "$word" ;;
	forward) _sallyport_offer "stack route" "$word" ;;
	dhcp-snippet) _sallyport_offer "dnsmasq kea isc radvd odhcpd" "$word" ;;
	"cert show" | import | export) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	"garden add "* | "garden remove "* | "garden test "*) _sallyport_offer "tcp udp icmp tcp/80 tcp/443 udp/443" "$word" ;;
	"garden remove" | "garden test") _sallyport_offer "$(_sallyport_garden)" "$word" ;;
	"client allow" | "client block" | "client remove" | "client show") _sallyport_offer "$(_sallyport_macs)" "$word" ;;
	esac
}

complete -F _sallyport sallyport sallyportd
