/* Readers through a real PC/SC daemon: two virtual readers, a card of each style, everything that can happen
 * to them. The program starts itself again under tests/lib/with-reader. */
#include "lib/check.h"

#include "lab.h"
#include "token/piv.h"
#include "token/reader.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 400, /* a simulated command takes under 10 ms */
    EVENT_MS = 10000,  /* pcscd looks at its readers every 400 ms */
};

static const char *const CONTROL[] = {"UKEY_CONTROL", "UKEY_CONTROL_2"};
static const char *const READER[] = {"Virtual PCD 00 00", "Virtual PCD 00 01"};

/* One order to the card in reader i; its answer in `reply`. */
static void tell(int i, const char *order, char reply[static 240])
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", getenv(CONTROL[i]));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, order, strlen(order), 0), (int)strlen(order));
    ssize_t n = recv(fd, reply, 239, 0);
    assert_true(n > 0);
    reply[n] = '\0';
    close(fd);
    assert_int_equal(strncmp(reply, "ok", 2), 0);
}

static void order(int i, const char *text)
{
    char reply[240];
    tell(i, text, reply);
}

static void await_status(int i, const char *what)
{
    char reply[240] = "";
    int64_t until = clock_mono_ms() + EVENT_MS;
    while (!strstr(reply, what)) {
        assert_true(clock_mono_ms() < until);
        tell(i, "status", reply);
        poll(NULL, 0, 5);
    }
}

static bool seen(const struct reader_list *l, int i, bool card)
{
    for (size_t k = 0; k < l->n; k++)
        if (!strcmp(l->at[k].name, READER[i]))
            return l->at[k].card == card;
    return false;
}

/* Reads the watch until the reader shows what is wanted. */
static void await_card(struct reader_watch *w, int i, bool card)
{
    struct reader_list l;
    struct fault f;
    int64_t until = clock_mono_ms() + EVENT_MS;
    do
        assert_ok(reader_watch_next(w, until - clock_mono_ms(), &l, &f));
    while (!seen(&l, i, card));
}

/* Where the daemon's log says for the last time that a card came into (went from) reader i; -1: never. */
static long last_said(int i, const char *what)
{
    static char all[4 << 20];
    char path[512], line[200];
    snprintf(path, sizeof path, "%s/pcscd.log", getenv("UKEY_DIR"));
    snprintf(line, sizeof line, "%s %s", what, READER[i]);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all[fread(all, 1, sizeof all - 1, f)] = '\0';
    fclose(f);
    long at = -1;
    for (const char *p = all; (p = strstr(p, line)); p++)
        at = p - all;
    return at;
}

/* Out and in again, as a person would do when told to. Nobody does it between two looks of the daemon (400
 * ms), and pcscd would not notice; so its own log is waited for. */
static void plug_again(int i)
{
    struct reader_watch *w = NULL;
    struct fault f;
    order(i, "clear");
    order(i, "pull");
    int64_t until = clock_mono_ms() + EVENT_MS;
    while (last_said(i, "Card Removed From") <=
           last_said(i, "Card inserted into")) { /* both unsaid: in from the start */
        assert_true(clock_mono_ms() < until);
        poll(NULL, 0, 20);
    }
    order(i, "insert");
    assert_ok(reader_watch_open(&w, &f));
    await_card(w, i, true);
    reader_watch_close(w);
}

static struct channel *connect_to(int i)
{
    struct channel *ch = NULL;
    struct fault f;
    int64_t until = clock_mono_ms() + EVENT_MS;
    enum err e;
    do
        e = reader_connect(READER[i], &ch, &f);
    while (e == ERR_CARD_GONE && clock_mono_ms() < until);
    assert_ok(e);
    ch->patience_ms = PATIENCE_MS * 5;
    return ch;
}

static enum err run(struct lab *l, int i, int64_t patience_ms, struct fault *f)
{
    struct channel *ch = connect_to(i);
    if (patience_ms)
        ch->patience_ms = ch->generate_ms = patience_ms;
    enum err e = lab_run(l, ch, f);
    ch->ops->close(ch);
    return e;
}

static void judge(const struct lab *l, int i)
{
    struct channel *ch = connect_to(i);
    lab_judge(l, ch);
    ch->ops->close(ch);
}

static void both_readers_are_listed(void **s)
{
    (void)s;
    struct reader_list l;
    struct fault f;
    assert_ok(reader_list_now(&l, &f));
    assert_true(l.service);
    assert_int_equal(l.n, 2);
    assert_true(seen(&l, 0, true) && seen(&l, 1, true));
    char name[READER_NAME];
    assert_ok(reader_wait_card(EVENT_MS, NULL, NULL, name, &f));
    assert_string_equal(name, READER[0]);
    struct channel *ch = NULL;
    assert_err(reader_connect("No such reader", &ch, &f), ERR_UNAVAILABLE);
}

static void a_token_tells_who_it_is(void **s)
{
    (void)s;
    struct ukey_info info;
    struct fault f;
    char medium[MEDIUM_NUMBER_SIZE];
    struct channel *ch = connect_to(1);
    assert_ok(personalise_identify(ch, &info, &f));
    ch->ops->close(ch);
    assert_true(info.has_serial);
    assert_int_equal(info.serial, 20000002);
    assert_false(info.has_guid);
    assert_int_equal(info.pin_left, 3);
    assert_int_equal(info.pin_default, UKEY_YES);
    assert_int_equal(info.admin_alg, UKEY_AES192);
    assert_ok(personalise_medium_number(&info, medium, &f));
    assert_string_equal(medium, "20000002");
}

static void both_tokens_are_written(void **s)
{
    (void)s;
    struct fault f;
    for (int i = 0; i < 2; i++) {
        struct lab l;
        lab_init(&l, i ? UKEY_P256 : UKEY_SM2);
        int64_t from = clock_mono_ms();
        assert_ok(run(&l, i, 0, &f));
        print_message("# %s: written in %d ms\n", i ? "P-256" : "SM2", (int)(clock_mono_ms() - from));
        judge(&l, i);
        lab_free(&l);
    }
}

/* A sample of what personalise_test does at every command: here the bytes go through pcscd. */
static void misfortunes_through_the_daemon(void **s)
{
    (void)s;
    static const char *const kinds[] = {"pull-before",  "pull-after",  "hang-before",  "hang-after",
                                        "lose",         "garbage=0",   "garbage=1",    "garbage=3",
                                        "garbage=258",  "garbage=259", "garbage=4096", "garbage=65535",
                                        "garbage=65000"};
    struct fault f;
    char spec[64];
    unsigned k = 5;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++, k += 9) {
        int token = (int)(i & 1);
        struct lab l;
        lab_init(&l, token ? UKEY_P256 : UKEY_SM2);
        order(token, "factory");
        snprintf(spec, sizeof spec, "fault %s:*:%u", kinds[i], k);
        order(token, spec);
        enum err e = run(&l, token, PATIENCE_MS, &f);
        bool unnoticed = e == OK && strstr(kinds[i], "garbage"); /* in the answer to the log-out */
        if (e != ERR_CARD_GONE && e != ERR_CARD_DOUBTFUL && !unnoticed)
            print_error("%s: %s: %s\n", spec, err_name(e), fault_text(&f));
        assert_true(e == ERR_CARD_GONE || e == ERR_CARD_DOUBTFUL || unnoticed);
        plug_again(token);
        e = run(&l, token, 0, &f);
        if (e != OK)
            print_error("%s, resumed: %s: %s\n", spec, err_name(e), fault_text(&f));
        assert_ok(e);
        judge(&l, token);
        lab_free(&l);
    }
}

static void a_card_that_hangs_costs_one_deadline_and_no_process(void **s)
{
    (void)s;
    struct fault f;
    struct ukey_info info;
    order(0, "factory");
    struct channel *ch = connect_to(0);
    ch->patience_ms = PATIENCE_MS;
    int pid = reader_child_pid(ch);
    assert_true(pid > 0);
    order(0, "fault hang-before:F8");
    int64_t from = clock_mono_ms();
    assert_err(personalise_identify(ch, &info, &f), ERR_CARD_DOUBTFUL);
    int64_t took = clock_mono_ms() - from;
    assert_true(took >= PATIENCE_MS && took < PATIENCE_MS + 2000);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_err(personalise_identify(ch, &info, &f), ERR_CARD_GONE);
    ch->ops->close(ch);
    plug_again(0);
}

static void a_killed_child_is_a_lost_card(void **s)
{
    (void)s;
    struct fault f;
    struct ukey_info info;
    struct channel *ch = connect_to(0);
    int pid = reader_child_pid(ch);
    siginfo_t died;
    assert_int_equal(kill(pid, SIGKILL), 0);
    /* quite dead, so that not even a request can be sent */
    assert_int_equal(waitid(P_PID, (id_t)pid, &died, WEXITED | WNOWAIT), 0);
    assert_err(personalise_identify(ch, &info, &f), ERR_CARD_GONE);
    ch->ops->close(ch);
}

/* The parent dies while a card holds the child for ever: nothing is left behind. */
static void a_child_ends_with_its_parent(void **s)
{
    (void)s;
    int pipe_fd[2];
    assert_int_equal(pipe(pipe_fd), 0);
    order(0, "fault hang-before:A4");
    pid_t parent = fork();
    if (parent == 0) {
        struct fault f;
        struct ukey_info info;
        struct channel *ch = NULL;
        int pid = reader_connect(READER[0], &ch, &f) == OK ? reader_child_pid(ch) : 0;
        if (write(pipe_fd[1], &pid, sizeof pid) != sizeof pid || !ch)
            _exit(1);
        _exit(personalise_identify(ch, &info, &f) == OK);
    }
    int child = 0;
    assert_int_equal(read(pipe_fd[0], &child, sizeof child), sizeof child);
    assert_true(child > 0);
    await_status(0, "ok hung");
    int64_t until = clock_mono_ms() + EVENT_MS;
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    while (state != 'Z' && state != 0 && clock_mono_ms() < until) {
        FILE *p = fopen(path, "r"); /* gone, or waiting for a slow process 1 to collect it */
        if (!p || fscanf(p, "%*d (%*[^)]) %c", &state) != 1)
            state = 0;
        if (p)
            fclose(p);
    }
    assert_true(state == 'Z' || state == 0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    plug_again(0);
}

static void cards_come_and_go(void **s)
{
    (void)s;
    struct fault f;
    struct reader_list l;
    struct reader_watch *w = NULL;
    assert_ok(reader_watch_open(&w, &f));
    await_card(w, 1, true);
    order(1, "pull");
    await_card(w, 1, false);
    struct channel *ch = NULL;
    assert_err(reader_connect(READER[1], &ch, &f), ERR_CARD_GONE);
    order(1, "insert");
    await_card(w, 1, true);
    assert_err(reader_watch_next(w, 0, &l, &f), ERR_DEADLINE);
    reader_watch_close(w);
}

static void pcscd(const char *text)
{
    int fd = open(getenv("UKEY_PCSCD"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

static void the_daemon_may_die_and_return(void **s)
{
    (void)s;
    struct fault f;
    struct reader_list l;
    struct reader_watch *w = NULL;
    struct ukey_info info;
    static const char *const ways[] = {"stop\n", "kill\n"};
    assert_ok(reader_watch_open(&w, &f));
    await_card(w, 0, true);
    for (int i = 0; i < 2; i++) {
        struct channel *ch = connect_to(0), *none = NULL;
        pcscd(ways[i]);
        do
            assert_ok(reader_watch_next(w, EVENT_MS, &l, &f));
        while (l.service);
        assert_err(personalise_identify(ch, &info, &f), ERR_UNAVAILABLE);
        ch->ops->close(ch);
        assert_err(reader_connect(READER[0], &none, &f), ERR_UNAVAILABLE);
        pcscd("start\n");
        await_card(w, 0, true);
        ch = connect_to(0);
        assert_ok(personalise_identify(ch, &info, &f));
        ch->ops->close(ch);
    }
    reader_watch_close(w);
}

/* Two programs at one card: transactions keep them apart, a reset by one is survived by the other. */
static void another_program_may_use_the_card_meanwhile(void **s)
{
    (void)s;
    struct fault f;
    struct ukey_info info;
    struct channel *a = connect_to(1), *b = connect_to(1);
    for (int i = 0; i < 5; i++) {
        struct ukey u = {.ops = &PIV, .ch = b};
        assert_ok(b->ops->begin(b, &f));
        assert_ok(PIV.select(&u, &f));
        b->ops->end(b, true);
        assert_ok(personalise_identify(a, &info, &f));
    }
    assert_ok(b->ops->begin(b, &f)); /* and now it does not let go */
    a->patience_ms = PATIENCE_MS;
    assert_err(personalise_identify(a, &info, &f), ERR_UNAVAILABLE);
    b->ops->end(b, false);
    a->ops->close(a);
    a = connect_to(1);
    assert_ok(personalise_identify(a, &info, &f));
    a->ops->close(a);
    b->ops->close(b);
}

/* ---- the console is killed ---- */

/* SIGKILL while the token has executed a command and nobody knows; the journal is all that is left. */
static void the_console_is_killed_in_the_middle(void **s)
{
    (void)s;
    static const char *const moments[] = {"24:1", "24:2", "47:1", "87:2", "DB:2", "DB:6", "FF:1", "20:9"};
    struct lab *l = mmap(NULL, sizeof *l, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(l, MAP_FAILED);
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        char spec[64];
        struct fault f;
        int token = (int)(i & 1);
        lab_init(l, UKEY_P256);
        order(token, "factory");
        snprintf(spec, sizeof spec, "fault hang-after:%s", moments[i]);
        order(token, spec);
        pid_t console = fork();
        if (console == 0)
            _exit(run(l, token, EVENT_MS * 3, &f) != OK);
        await_status(token, "ok hung");
        assert_int_equal(kill(console, SIGKILL), 0);
        assert_int_equal(waitpid(console, NULL, 0), console);
        plug_again(token);
        assert_ok(run(l, token, 0, &f));
        judge(l, token);
        lab_free(l);
    }
    munmap(l, sizeof *l);
}

/* ---- secrets ---- */

static bool file_has(const char *path, const char *text)
{
    static char all[4 << 20];
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    size_t n = fread(all, 1, sizeof all - 1, f);
    fclose(f);
    return memmem(all, n, text, strlen(text)) != NULL;
}

static void no_secret_is_written_anywhere(void **s)
{
    (void)s;
    struct fault f;
    struct lab l;
    lab_init(&l, UKEY_P256);
    order(0, "factory");
    struct channel *ch = connect_to(0);
    int pid = reader_child_pid(ch);
    assert_ok(lab_run(&l, ch, &f));
    char hex[4][65], spaced[4][97], path[512];
    const void *secrets[] = {l.plan.fresh.pin, l.plan.fresh.puk, l.plan.fresh.admin.key,
                             l.plan.old.admin.key};
    const size_t sizes[] = {6, 8, 24, 24};
    for (size_t i = 0; i < 4; i++) {
        hex_encode(secrets[i], sizes[i], hex[i]);
        spaced[i][0] = '\0';
        for (size_t k = 0; k < sizes[i]; k++)
            sprintf(spaced[i] + 3 * k, "%.2s ", hex[i] + 2 * k);
    }
    const char *dir = getenv("UKEY_DIR");
    static const char *const logs[] = {"pcscd.log", "card1.log", "card2.log", "inside.log"};
    snprintf(path, sizeof path, "%s/card1.log", dir);
    assert_true(file_has(path, "ins 20,")); /* the log is a log */
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < sizeof logs / sizeof *logs; k++) {
            snprintf(path, sizeof path, "%s/%s", dir, logs[k]);
            assert_false(file_has(path, hex[i]) || file_has(path, spaced[i]));
            assert_false(i < 2 && file_has(path, secrets[i]));
        }
        snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
        assert_false(file_has(path, hex[i]) || (i < 2 && file_has(path, secrets[i])));
        snprintf(path, sizeof path, "/proc/%d/environ", pid);
        assert_false(file_has(path, hex[i]) || (i < 2 && file_has(path, secrets[i])));
    }
    ch->ops->close(ch);
    lab_free(&l);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!getenv("UKEY_CONTROL_2")) {
        setenv("UKEY_SIM", UKEY_SIM, 1);
        execl(WITH_READER, WITH_READER, "--card", "--style a --serial 10000001 --verbose", "--card",
              "--style b --serial 20000002 --verbose", argv[0], (char *)NULL);
        perror(WITH_READER);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_readers_are_listed),
        cmocka_unit_test(a_token_tells_who_it_is),
        cmocka_unit_test(both_tokens_are_written),
        cmocka_unit_test(misfortunes_through_the_daemon),
        cmocka_unit_test(a_card_that_hangs_costs_one_deadline_and_no_process),
        cmocka_unit_test(a_killed_child_is_a_lost_card),
        cmocka_unit_test(a_child_ends_with_its_parent),
        cmocka_unit_test(cards_come_and_go),
        cmocka_unit_test(the_daemon_may_die_and_return),
        cmocka_unit_test(another_program_may_use_the_card_meanwhile),
        cmocka_unit_test(the_console_is_killed_in_the_middle),
        cmocka_unit_test(no_secret_is_written_anywhere),
    };
    return CHECK_MAIN(tests);
}
