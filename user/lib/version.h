/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_LIB_VERSION_H
#define SP_LIB_VERSION_H

#ifndef SP_VERSION
#define SP_VERSION "0.1.0"
#endif

#endif
