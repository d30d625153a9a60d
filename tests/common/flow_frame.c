/* Frames of flows; without checksums, as nobody below IP looks at these. */
#include "common/flow_frame.h"

enum { ROUTER = 0x0a4d00fe };

struct flow flow_number(unsigned n)
{
	return (struct flow){
		.remote = 0x0a4d0100 + n / 50,
		.local = 0x0a4d0002,
		.remote_port = (uint16_t)(40000 + n % 50),
		.local_port = n % 3 == 0 ? 443 : 80,
		.protocol = n % 4 == 3 ? FLOW_UDP : FLOW_TCP,
	};
}

static void put_ethernet(uint8_t *out)
{
	memcpy(out, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
}

static void put_ip(uint8_t *ip, uint32_t src, uint32_t dst, uint8_t protocol, uint16_t fragment, uint16_t len)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	store_be16(ip + 2, len);
	store_be16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = protocol;
	store_be32(ip + 12, src);
	store_be32(ip + 16, dst);
}

struct bytes flow_frame(const struct flow *f, uint16_t fragment, uint8_t out[static FLOW_FRAME])
{
	memset(out, 0, FLOW_FRAME);
	put_ethernet(out);
	put_ip(out + 14, f->remote, f->local, f->protocol, fragment, FLOW_FRAME - 14);
	store_be16(out + 34, f->remote_port);
	store_be16(out + 36, f->local_port);
	return bytes_of(out, FLOW_FRAME);
}

struct bytes flow_error(const struct flow *f, uint8_t type, uint8_t out[static FLOW_ERROR])
{
	memset(out, 0, FLOW_ERROR);
	put_ethernet(out);
	put_ip(out + 14, ROUTER, f->local, FLOW_ICMP, 0, FLOW_ERROR - 14);
	out[34] = type;
	put_ip(out + 42, f->local, f->remote, f->protocol, 0x4000, 40);
	store_be16(out + 62, f->local_port);
	store_be16(out + 64, f->remote_port);
	return bytes_of(out, FLOW_ERROR);
}
