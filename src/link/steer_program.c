/*
 * The program, by hand: as a socket filter of eBPF it is what both TUNSETSTEERINGEBPF and PACKET_FANOUT_EBPF
 * take. It does steer_owner()'s part for IPv4 with STEER_ADDRESS, and for TCP, UDP and fragments with
 * STEER_FLOW.
 *
 * BPF_ABS and BPF_IND load in network byte order from the frame in register 6, here by offsets from its
 * network header, as one of the two users has the Ethernet header in front and the other not. A load from
 * beyond the frame ends the program with 0.
 *
 * System calls: bpf.
 */
#include "link/steer_program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Register 0 holds what was loaded last, 1 the frame to begin with; a load spoils 1 to 5. */
enum { LOADED = BPF_REG_0, CONTEXT = BPF_REG_1, FRAME = BPF_REG_6, HEADER = BPF_REG_7, HASH = BPF_REG_8 };

#define LOAD(size, at) { .code = BPF_LD | BPF_ABS | BPF_##size, .imm = SKF_NET_OFF + (at) }
#define LOAD_FROM(size, reg) { .code = BPF_LD | BPF_IND | BPF_##size, .src_reg = (reg), .imm = SKF_NET_OFF }
#define MOVE(to, from) { .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) }
#define ALU(op, to, value) { .code = BPF_ALU | BPF_##op | BPF_K, .dst_reg = (to), .imm = (int32_t)(value) }
#define ALU64(op, to, value) \
	{ .code = BPF_ALU64 | BPF_##op | BPF_K, .dst_reg = (to), .imm = (int32_t)(value) }
#define XOR(to, from) { .code = BPF_ALU | BPF_XOR | BPF_X, .dst_reg = (to), .src_reg = (from) }
#define SKIP_IF(reg, op, value, over) \
	{ .code = BPF_JMP | BPF_##op | BPF_K, .dst_reg = (reg), .off = (over), .imm = (value) }
#define RETURN { .code = BPF_JMP | BPF_EXIT }

/* hash ^= hash >> bits */
#define FOLD(bits) MOVE(LOADED, HASH), ALU(RSH, LOADED, bits), XOR(HASH, LOADED)

/* steer_mix() of what was loaded. */
#define MIX(rule) XOR(HASH, LOADED), ALU(MUL, HASH, (rule)->factor), FOLD(STEER_SHIFT)

/* steer_end() */
#define END \
	FOLD(16), ALU(MUL, HASH, STEER_END_FACTOR_1), FOLD(13), ALU(MUL, HASH, STEER_END_FACTOR_2), FOLD(16)

enum { MOST = 64, FLOW_LENGTH = 24 };

struct program {
	struct bpf_insn code[MOST];
	uint32_t n;
};

static void add(struct program *p, const struct bpf_insn *code, size_t n)
{
	memcpy(p->code + p->n, code, n * sizeof *code);
	p->n += (uint32_t)n;
}

/* The remote address; what is not IPv4 is for queue 0. */
static void add_address(struct program *p, const struct steer_rule *r)
{
	const struct bpf_insn code[] = {
		MOVE(FRAME, CONTEXT),
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = LOADED, .src_reg = CONTEXT,
		  .off = offsetof(struct __sk_buff, protocol) },
		SKIP_IF(LOADED, JEQ, htons(ETH_P_IP), 2),
		ALU(MOV, LOADED, 0),
		RETURN,
		ALU(MOV, HASH, r->start),
		LOAD(W, 12),
		MIX(r),
	};

	add(p, code, ARRAY_LENGTH(code));
}

/* The local address, and the ports. A fragment stays with its address, what has no ports goes to queue 0. */
static void add_flow(struct program *p, const struct steer_rule *r)
{
	const struct bpf_insn code[] = {
		LOAD(H, 6),
		ALU(AND, LOADED, 0x3fff),
		SKIP_IF(LOADED, JNE, 0, FLOW_LENGTH - 3),
		LOAD(B, 9),
		SKIP_IF(LOADED, JEQ, IPPROTO_TCP, 3),
		SKIP_IF(LOADED, JEQ, IPPROTO_UDP, 2),
		ALU(MOV, LOADED, 0),
		RETURN,
		LOAD(W, 16),
		MIX(r),
		LOAD(B, 0),
		ALU(AND, LOADED, 15),
		ALU(LSH, LOADED, 2),
		MOVE(HEADER, LOADED),
		LOAD_FROM(W, HEADER),
		MIX(r),
	};

	_Static_assert(ARRAY_LENGTH(code) == FLOW_LENGTH, "the jump over it");
	add(p, code, ARRAY_LENGTH(code));
}

static void add_choice(struct program *p, const struct steer_rule *r)
{
	const struct bpf_insn code[] = {
		END,
		MOVE(LOADED, HASH),
		ALU64(MUL, LOADED, r->queues),
		ALU64(RSH, LOADED, 32),
		RETURN,
	};

	add(p, code, ARRAY_LENGTH(code));
}

int steer_program_load(const struct steer_rule *r)
{
	struct program p = { .n = 0 };
	union bpf_attr a;
	long fd;

	add_address(&p, r);
	if (r->mode == STEER_FLOW)
		add_flow(&p, r);
	add_choice(&p, r);
	memset(&a, 0, sizeof a);
	a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	a.insns = (uintptr_t)p.code;
	a.insn_cnt = p.n;
	a.license = (uintptr_t)"GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a);
	return fd >= 0 ? (int)fd : -errno;
}
