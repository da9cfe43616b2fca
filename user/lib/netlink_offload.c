/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/netlink_offload.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stdbool.h>
#include <string.h>

#include "lib/netlink_request.h"

struct words {
	const char *word, *name;
};

#define OFFLOAD_WORDS(id, word, name) [SP_OFFLOAD_##id] = {word, name},
static const struct words words[SP_OFFLOAD_COUNT] = {SP_OFFLOADS(OFFLOAD_WORDS)};

const char *sp_offload_word(enum sp_offload offload)
{
	return words[offload].word;
}

/* A list of bits on its way. */
struct bits {
	uint32_t set;
	bool all; /* those that are listed are set; else those with a flag */
};

struct bit {
	const char *name;
	bool value;
};

static int take_bit(const struct nlattr *attribute, void *context)
{
	struct bit *bit = context;

	if (mnl_attr_get_type(attribute) == ETHTOOL_A_BITSET_BIT_NAME)
		bit->name = mnl_attr_get_str(attribute);
	else if (mnl_attr_get_type(attribute) == ETHTOOL_A_BITSET_BIT_VALUE)
		bit->value = true;
	return MNL_CB_OK;
}

static int take_bits(const struct nlattr *attribute, void *context)
{
	struct bits *bits = context;
	struct bit bit = {.name = ""};

	mnl_attr_parse_nested(attribute, take_bit, &bit);
	for (unsigned i = 0; i < SP_OFFLOAD_COUNT; i++)
		if ((bits->all || bit.value) && !strcmp(bit.name, words[i].name))
			bits->set |= SP_OFFLOAD_BIT(i);
	return MNL_CB_OK;
}

/* NOMASK comes in front of the bits (ethnl_put_bitset32 in the kernel). */
static int take_set(const struct nlattr *attribute, void *context)
{
	struct bits *bits = context;

	if (mnl_attr_get_type(attribute) == ETHTOOL_A_BITSET_NOMASK)
		bits->all = true;
	else if (mnl_attr_get_type(attribute) == ETHTOOL_A_BITSET_BITS)
		mnl_attr_parse_nested(attribute, take_bits, bits);
	return MNL_CB_OK;
}

static uint32_t read_set(const struct nlattr *attribute)
{
	struct bits bits = {.set = 0};

	mnl_attr_parse_nested(attribute, take_set, &bits);
	return bits.set;
}

struct offloads {
	uint32_t supported, on, fixed;
};

static int take_offloads(const struct nlattr *attribute, void *context)
{
	struct offloads *offloads = context;

	switch (mnl_attr_get_type(attribute)) {
	case ETHTOOL_A_FEATURES_HW:
		offloads->supported = read_set(attribute);
		break;
	case ETHTOOL_A_FEATURES_ACTIVE:
		offloads->on = read_set(attribute);
		break;
	case ETHTOOL_A_FEATURES_NOCHANGE:
		offloads->fixed = read_set(attribute);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_offloads(const struct nlmsghdr *message, void *context)
{
	mnl_attr_parse(message, sizeof(struct genlmsghdr), take_offloads, context);
	return MNL_CB_OK;
}

/* Begin @command about interface @ifindex. */
static int begin(struct sp_netlink *netlink, uint8_t command, uint32_t ifindex)
{
	struct nlmsghdr *message;
	struct nlattr *header;
	uint16_t family;
	int code = sp_netlink_family(netlink, ETHTOOL_GENL_NAME, &family);

	if (code)
		return code;
	message = sp_netlink_begin_generic(netlink, family, command, 0);
	header = mnl_attr_nest_start(message, ETHTOOL_A_FEATURES_HEADER);
	mnl_attr_put_u32(message, ETHTOOL_A_HEADER_DEV_INDEX, ifindex);
	mnl_attr_nest_end(message, header);
	return 0;
}

int sp_netlink_offloads(uint32_t ifindex, uint32_t *on, uint32_t *changeable)
{
	struct offloads offloads = {.on = 0};
	struct sp_netlink netlink;
	int code = sp_netlink_open_generic(&netlink, NULL);

	if (code)
		return code;
	code = begin(&netlink, ETHTOOL_MSG_FEATURES_GET, ifindex);
	if (!code)
		code = sp_netlink_send(&netlink, on_offloads, &offloads);
	sp_netlink_close(&netlink);
	*on = offloads.on;
	*changeable = offloads.supported & ~offloads.fixed;
	return code;
}

/* The one bit that changes; without a flag it is cleared. */
static void put_wanted(struct nlmsghdr *message, enum sp_offload offload)
{
	struct nlattr *set = mnl_attr_nest_start(message, ETHTOOL_A_FEATURES_WANTED);
	struct nlattr *bits = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS);
	struct nlattr *bit = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS_BIT);

	mnl_attr_put_strz(message, ETHTOOL_A_BITSET_BIT_NAME, words[offload].name);
	mnl_attr_nest_end(message, bit);
	mnl_attr_nest_end(message, bits);
	mnl_attr_nest_end(message, set);
}

int sp_netlink_offload_off(uint32_t ifindex, enum sp_offload offload, struct sp_error *err)
{
	struct sp_netlink netlink;
	int code = sp_netlink_open_generic(&netlink, err);

	if (code)
		return code;
	code = begin(&netlink, ETHTOOL_MSG_FEATURES_SET, ifindex);
	if (!code) {
		put_wanted(&netlink.request.header, offload);
		code = sp_netlink_send(&netlink, NULL, NULL);
	}
	if (code)
		sp_fail(err, code, SP_EXIT_FAILED,
		        "cannot switch %s of interface number %u off: %s", words[offload].word,
		        ifindex, sp_netlink_reason(&netlink, code));
	sp_netlink_close(&netlink);
	return code;
}
