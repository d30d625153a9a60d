/* The tables of commands and options. */
#include "server/cli_table.h"

enum {
	SERVE = 1 << COMMAND_SERVE,
	GET = 1 << COMMAND_GET,
	ALL = (1 << COMMANDS) - 1,
};

#define KEY(section, key) section, key
#define NO_KEY NULL, NULL

const struct cli_option cli_options[] = {
	{ "config", 'c', SERVE, "FILE", NO_KEY,
	  "configuration file, see taphouse.conf(5)" },
	{ "device", 'd', SERVE | GET, "DEVICE", NO_KEY,
	  "tap:NAME (made if missing), packet:INTERFACE or xdp:INTERFACE (taken over)" },
	{ "address", 'a', SERVE | GET, "CIDR", KEY("device", "address"),
	  "our address, such as 10.77.0.2/24; may be repeated" },
	{ "gateway", 'g', SERVE | GET, "IP", KEY("device", "gateway"),
	  "way to everything that is not on-link; may be repeated" },
	{ "host-address", 0, SERVE | GET, "CIDR", KEY("device", "host_address"),
	  "address for the kernel's side of the tap" },
	{ "mac", 0, SERVE | GET, "MAC", KEY("device", "mac"),
	  "our MAC address; default: made from device and address" },
	{ "http", 0, SERVE, "PORT", NO_KEY,
	  "port to listen on; default: 80" },
	{ "https", 0, SERVE, "PORT", NO_KEY,
	  "port to listen on with TLS; default with a certificate: 443" },
	{ "certificate", 0, SERVE, "PEM", NO_KEY,
	  "certificate chain to show, the server's own first" },
	{ "key", 0, SERVE, "PEM", NO_KEY,
	  "key that belongs to it" },
	{ "self-signed", 0, SERVE, NULL, NO_KEY,
	  "make a certificate that nobody vouches for, for now" },
	{ "workers", 0, SERVE, "N", KEY("", "workers"),
	  "worker threads, each with its own queue of the device; default: 1" },
	{ "user", 'u', SERVE, "NAME", KEY("", "user"),
	  "become this user once the device is open" },
	{ "impair", 0, SERVE | GET, "SPEC", KEY("device", "impair"),
	  "a bad wire: loss=1%,delay=20ms,jitter=5ms,reorder=2%,\n"
	  "duplicate=1%,corrupt=0.1%,rate=50mbit,queue=100,seed=7" },
	{ "pcap", 0, SERVE | GET, "FILE", KEY("device", "pcap"),
	  "write all frames to this pcapng file" },
	{ "trace", 0, SERVE | GET, "[=WHAT]", NO_KEY,
	  "tell every segment on standard error; WHAT: json, and an\n"
	  "address or a port to see the connections of, by commas" },
	{ "log-level", 0, SERVE | GET, "LEVEL", KEY("log", "level"),
	  "error, warning, notice, info or debug" },
	{ "output", 'o', GET, "FILE", NO_KEY,
	  "write to FILE, not to standard output" },
	{ "head", 'I', GET, NULL, NO_KEY,
	  "send HEAD, and print the header" },
	{ "include", 'i', GET, NULL, NO_KEY,
	  "print the header in front of the body" },
	{ "fail", 'f', GET, NULL, NO_KEY,
	  "exit with 22, and no output, on a status of 400 or more" },
	{ "ca", 0, GET, "FILE", NO_KEY,
	  "trust the authorities in this PEM file, not the system's" },
	{ "insecure", 'k', GET, NULL, NO_KEY,
	  "take any certificate: the server may be anybody" },
	{ "max-time", 'm', GET, "SECONDS", NO_KEY,
	  "give up after this long" },
	{ "help", 'h', ALL, NULL, NO_KEY,
	  "print this" },
};

const struct cli_command cli_commands[COMMANDS] = {
	[COMMAND_SERVE] = {
		.name = "serve", .operand = "DIR",
		.summary = "serve a directory over HTTP",
		.help = "Serves the files under DIR (default: the current directory) over HTTP, from\n"
			"a TCP/IP stack of its own on a device of its own. By default that is a tap\n"
			"device, taphouse0, with 10.77.0.1/24 on the kernel's side and\n"
			"http://10.77.0.2/ on ours.\n",
	},
	[COMMAND_CHECK] = {
		.name = "check", .operand = "FILE", .needs_operand = true,
		.summary = "test a configuration file",
		.help = "Reads FILE as serve would. Exit 0: it is in order. 1: the line printed says\n"
			"what is wrong.\n",
	},
	[COMMAND_GET] = {
		.name = "get", .operand = "URL", .needs_operand = true,
		.summary = "fetch a URL over our own stack",
		.help = "Fetches URL (http or https) over a TCP/IP stack of its own, and writes the body\n"
			"to standard output. By default that is through a tap device, taphouse-get,\n"
			"with 10.78.0.1/24 on the kernel's side and 10.78.0.2/24 on ours: it reaches\n"
			"this machine's servers at 10.78.0.1, and beyond it what the kernel forwards.\n",
	},
	[COMMAND_VERSION] = {
		.name = "version",
		.summary = "print version, libraries and devices",
		.help = "",
	},
	[COMMAND_HELP] = {
		.name = "help", .operand = "COMMAND",
		.summary = "explain a command",
		.help = "",
	},
};
