/* A node on OTP's erl_interface that answers gen_server calls, one connection, one thread: the C peer of make bench-cluster.
 * echo NODENAME COOKIE, with EPMD as ERL_EPMD_PORT says. */
#include <ei.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* answer replies to {'$gen_call', {Pid, Tag}, Request} with {Tag, Request}, both copied as the bytes that they are. */
static int answer(int fd, ei_x_buff *in, ei_x_buff *out) {
    int at = 0, version, arity, tag, tag_end, request, request_end;
    char atom[MAXATOMLEN];
    erlang_pid caller;
    if (ei_decode_version(in->buff, &at, &version) || ei_decode_tuple_header(in->buff, &at, &arity) || arity != 3 ||
        ei_decode_atom(in->buff, &at, atom) || strcmp(atom, "$gen_call") || ei_decode_tuple_header(in->buff, &at, &arity) ||
        arity != 2 || ei_decode_pid(in->buff, &at, &caller))
        return 0; /* not a call */
    tag = at;
    if (ei_skip_term(in->buff, &at)) return -1;
    tag_end = request = at;
    if (ei_skip_term(in->buff, &at)) return -1;
    request_end = at;
    out->index = 0;
    ei_x_encode_version(out);
    ei_x_encode_tuple_header(out, 2);
    ei_x_append_buf(out, in->buff + tag, tag_end - tag);
    ei_x_append_buf(out, in->buff + request, request_end - request);
    return ei_send(fd, &caller, out->buff, out->index);
}

int main(int argc, char **argv) {
    ei_cnode node;
    ErlConnect peer;
    erlang_msg msg;
    ei_x_buff in, out;
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    char alive[MAXATOMLEN];
    int port = 0, on = 1, listener, fd, got;
    if (argc != 3 || !strchr(argv[1], '@')) return 2;
    strncpy(alive, argv[1], sizeof alive - 1);
    *strchr(alive, '@') = 0;
    ei_init();
    if (ei_connect_xinit(&node, strchr(argv[1], '@') + 1, alive, argv[1], &loopback, argv[2], 1) < 0 ||
        (listener = ei_listen(&node, &port, 5)) < 0 || ei_publish(&node, port) < 0) {
        perror("echo");
        return 1;
    }
    puts("ready erl_interface");
    fflush(stdout);
    ei_x_new(&in);
    ei_x_new(&out);
    for (;;) {
        if ((fd = ei_accept(&node, listener, &peer)) < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while ((got = ei_xreceive_msg(fd, &msg, &in)) != ERL_ERROR)
            if (got == ERL_MSG && (msg.msgtype == ERL_REG_SEND || msg.msgtype == ERL_SEND) && answer(fd, &in, &out) < 0) break;
        close(fd);
    }
}
