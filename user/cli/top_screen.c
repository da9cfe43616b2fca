/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top.h"

#include <arpa/inet.h>
#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/monotonic.h"
#include "lib/text.h"

#define HEAD          3 /* lines above the clients */
#define LEAST_COLUMNS 40
#define LEAST_LINES   8

enum { GOOD = 1, BAD, FAINT }; /* colours */

static const char *const sorts[SP_TOP_SORTS] = {"rate", "up", "down", "bytes", "left"};

/* --- words --- */

/* Five columns: "999", "1.2k", "345M". */
static char *short_number(char out[8], uint64_t number)
{
	static const char prefixes[] = " kMGTPE";
	size_t prefix = 0;
	uint64_t tenths = number * 10;

	if (number < 1000) {
		snprintf(out, 8, "%u", (unsigned)number);
		return out;
	}
	for (; number >= 1000; number /= 1000, prefix++)
		tenths = number / 100;
	if (tenths < 100)
		snprintf(out, 8, "%u.%u%c", (unsigned)(tenths / 10) % 10, (unsigned)(tenths % 10),
		         prefixes[prefix]);
	else
		snprintf(out, 8, "%u%c", (unsigned)(tenths / 10) % 1000, prefixes[prefix]);
	return out;
}

static const char *left_text(char out[SP_TEXT_QUANTITY], const struct sp_session *session,
                             const struct sp_clock *clock)
{
	if (session->ended)
		return "-";
	if (!(session->policy.limits & SP_LIMIT_EXPIRES))
		return "";
	return sp_text_put_duration(out, sp_clock_until(clock, session->policy.expires));
}

static const char *address_text(char out[INET6_ADDRSTRLEN], const struct sp_session *session)
{
	static const uint8_t none[16];

	if (session->ipv4)
		return inet_ntop(AF_INET, &session->ipv4, out, INET6_ADDRSTRLEN);
	if (memcmp(session->ipv6, none, sizeof(none)) != 0)
		return inet_ntop(AF_INET6, session->ipv6, out, INET6_ADDRSTRLEN);
	return "";
}

/* --- lines --- */

/* As much of a line as there are columns; text of others is shown by addnstr, which knows them. */
static void __attribute__((format(printf, 2, 3))) put_line(int y, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	move(y, 0);
	clrtoeol();
	addnstr(line, COLS);
}

static void put_head(const struct sp_top_screen *screen)
{
	const struct sp_top *top = screen->top;
	char up[SP_TEXT_QUANTITY], down[SP_TEXT_QUANTITY];
	time_t now = time(NULL);
	char clock[16] = "";
	struct tm parts;

	if (localtime_r(&now, &parts))
		strftime(clock, sizeof(clock), "%H:%M:%S", &parts);
	attron(A_BOLD);
	put_line(0, "%s  %s  up %s  down %s%s", top->maps->instance.name, clock,
	         sp_text_put_rate(up, top->rate_up), sp_text_put_rate(down, top->rate_down),
	         screen->paused ? "  PAUSED" : "");
	attroff(A_BOLD);
	put_line(1, "%u authorized, %u ended, %u blocked, of %u%s%s%s", top->authorized, top->ended,
	         top->blocked, top->maps->max_clients, top->filter[0] ? "  filter: " : "",
	         top->filter, screen->typing ? "_" : "");
}

static void put_foot(const struct sp_top_screen *screen)
{
	attron(A_REVERSE);
	if (screen->typing)
		put_line(LINES - 1, "part of a MAC, address, name or note; Enter: done, Esc: none");
	else
		put_line(LINES - 1,
		         "q quit  s sort: %s  / filter  r %s  space %s  arrows PgUp PgDn",
		         sorts[screen->top->sort], screen->reasons ? "clients" : "reasons",
		         screen->paused ? "go on" : "pause");
	attroff(A_REVERSE);
}

static void put_row(struct sp_top *top, int y, const struct sp_top_row *row)
{
	static const char *const states[] = {"ended", "auth", "block"};
	const struct sp_session *session = &row->session;
	struct sp_owner owner = sp_whose_find(&top->whose, session);
	char mac[SP_TEXT_MAC], address[INET6_ADDRSTRLEN], left[SP_TEXT_QUANTITY];
	char up[8], down[8], bytes[8], vlan[8] = "";
	const char *who = owner.name[0] ? owner.name : owner.method ? owner.method : "";
	int colour = session->effective == SP_CLIENT_AUTHORIZED ? GOOD
	             : session->effective == SP_CLIENT_BLOCKED  ? BAD
	                                                        : FAINT;

	if (row->key.vlan)
		snprintf(vlan, sizeof(vlan), "%u", row->key.vlan);
	attron(COLOR_PAIR(colour));
	put_line(y, "%-5s %-17s %4s %-15.39s %5s %5s %5s %6s %s", states[session->effective],
	         sp_text_put_mac(mac, row->key.mac), vlan, address_text(address, session),
	         short_number(up, row->rate_up), short_number(down, row->rate_down),
	         short_number(bytes, session->up_bytes + session->down_bytes),
	         left_text(left, session, &top->clock), who);
	attroff(COLOR_PAIR(colour));
}

static int room(void)
{
	return LINES - HEAD - 1;
}

static void put_clients(struct sp_top_screen *screen)
{
	static struct sp_top_row rows[256];
	uint32_t wanted = (uint32_t)room() < 256 ? (uint32_t)room() : 256;
	uint32_t count = sp_top_rows(screen->top, screen->first, rows, wanted);

	attron(A_UNDERLINE);
	put_line(2, "%-5s %-17s %4s %-15s %5s %5s %5s %6s %s", "STATE", "MAC", "VLAN", "ADDRESS",
	         "UP/s", "DOWN/s", "BYTES", "LEFT", "USER");
	attroff(A_UNDERLINE);
	/* Behind the last one: as many of those left must be seen. */
	if (!count && screen->first)
		screen->first = 0;
	for (uint32_t i = 0; i < count; i++)
		put_row(screen->top, HEAD + (int)i, &rows[i]);
}

static void put_reasons(const struct sp_top_screen *screen)
{
	static struct sp_top_reason reasons[SP_MAX_REASONS];
	uint32_t count = sp_top_reasons(screen->top, reasons);

	attron(A_UNDERLINE);
	put_line(2, "%10s %14s %-7s %s", "PACKETS/s", "PACKETS", "VERDICT", "REASON");
	attroff(A_UNDERLINE);
	for (uint32_t i = 0; i < count && i < (uint32_t)room(); i++) {
		int colour = reasons[i].reason < SP_REASON_FIRST_DROP ? GOOD : BAD;

		attron(COLOR_PAIR(colour));
		put_line(HEAD + (int)i, "%10llu %14llu %-7s %s",
		         (unsigned long long)reasons[i].rate,
		         (unsigned long long)reasons[i].packets,
		         sp_reason_verdict(reasons[i].reason), sp_reason_text(reasons[i].reason));
		attroff(COLOR_PAIR(colour));
	}
}

static void draw(struct sp_top_screen *screen)
{
	erase();
	if (LINES < LEAST_LINES || COLS < LEAST_COLUMNS) {
		put_line(0, "too small: %dx%d", COLS, LINES);
	} else {
		put_head(screen);
		if (screen->reasons)
			put_reasons(screen);
		else
			put_clients(screen);
		put_foot(screen);
	}
	refresh();
}

/* --- keys --- */

static void type(struct sp_top_screen *screen, int key)
{
	char *filter = screen->top->filter;
	size_t length = strlen(filter);

	screen->first = 0;
	if (key == '\n' || key == KEY_ENTER) {
		screen->typing = false;
	} else if (key == 27) {
		screen->typing = false;
		filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length) {
		filter[length - 1] = '\0';
	} else if (key >= ' ' && key < 127 && length + 1 < SP_TOP_FILTER) {
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
}

static void scroll_by(struct sp_top_screen *screen, int lines)
{
	uint32_t count = screen->top->authorized + screen->top->ended + screen->top->blocked;
	int64_t first = (int64_t)screen->first + lines;

	if (first >= count)
		first = (int64_t)count - 1;
	screen->first = first > 0 ? (uint32_t)first : 0;
}

/* False: it is to end. */
static bool press(struct sp_top_screen *screen, int key)
{
	if (screen->typing) {
		type(screen, key);
		return true;
	}
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 's':
		screen->top->sort = (screen->top->sort + 1) % SP_TOP_SORTS;
		screen->first = 0;
		break;
	case '/':
		screen->typing = true;
		screen->reasons = false;
		break;
	case 'r':
		screen->reasons = !screen->reasons;
		break;
	case ' ':
		screen->paused = !screen->paused;
		break;
	case KEY_DOWN:
		scroll_by(screen, 1);
		break;
	case KEY_UP:
		scroll_by(screen, -1);
		break;
	case KEY_NPAGE:
		scroll_by(screen, room());
		break;
	case KEY_PPAGE:
		scroll_by(screen, -room());
		break;
	case KEY_HOME:
		screen->first = 0;
		break;
	default:
		break;
	}
	return true;
}

/* --- the loop --- */

static int run(struct sp_top_screen *screen, struct sp_error *err)
{
	uint64_t due = 0;
	bool on = true;
	int code = 0;

	while (on && !code) {
		uint64_t now = sp_monotonic_ms();
		int key;

		if (now >= due && !screen->paused)
			code = sp_top_look(screen->top, err);
		if (now >= due)
			due = now + screen->interval;
		if (code)
			break;
		draw(screen);
		timeout((int)(due - now));
		key = getch();
		if (key != ERR)
			on = press(screen, key);
	}
	return code;
}

static void begin(void)
{
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	set_escdelay(50);
	if (!has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(GOOD, COLOR_GREEN, -1);
	init_pair(BAD, COLOR_RED, -1);
	init_pair(FAINT, COLOR_CYAN, -1);
}

int sp_top_show(struct sp_top_screen *screen, struct sp_error *err)
{
	const char *terminal = getenv("TERM");
	SCREEN *curses;
	int code;

	setlocale(LC_ALL, "");
	curses = newterm(NULL, stdout, stdin);
	if (!curses)
		return sp_fail(err, -ENOTTY, SP_EXIT_FAILED,
		               "`top` does not know the terminal \"%s\" (TERM); `sallyport client "
		               "list` needs none",
		               terminal ? terminal : "");
	begin();
	code = run(screen, err);
	endwin();
	delscreen(curses);
	return code;
}
