/* The CA's folder: made whole or not at all, opened only when everything fits, used by many threads. */
#include "fixture.h"
#include "pki/ca_priv.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture x;

static struct pki_ca_plan plan(void)
{
    return (struct pki_ca_plan){.alg = PKI_P256,
                                .organization = "测试认证中心",
                                .root_name = "Other Root",
                                .issuing_name = "Other Issuing",
                                .not_before_ms = x.now,
                                .root_days = 20,
                                .issuing_days = 10,
                                .passphrase = PASSPHRASE,
                                .kdf_iterations = 1000};
}

/* A fresh folder below the fixture's. */
static const char *fresh(void)
{
    char *dir = arena_printf(&x.a, "%s/d-XXXXXX", x.dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

static enum err try_open(const char *dir, const char *passphrase)
{
    struct pki_ca *ca;
    enum err e = pki_ca_open(dir, PKI_P256, passphrase, &ca, &x.f);
    assert_true((e == OK) == (ca != NULL));
    pki_ca_close(ca);
    return e;
}

static void openssl_accepts_the_cas(void **s)
{
    (void)s;
    assert_int_equal(
        sh(&x, NULL, "openssl verify -x509_strict -check_ss_sig -CAfile p256/root.crt p256/issuing.crt"), 0);
    assert_int_equal(sh(&x, NULL,
                        "openssl verify -x509_strict -vfyopt distid:1234567812345678 -CAfile sm2/root.crt "
                        "sm2/issuing.crt"),
                     0);
    char *text;
    assert_int_equal(sh(&x, &text, "openssl x509 -in sm2/issuing.crt -noout -text"), 0);
    assert_non_null(strstr(text, "CA:TRUE, pathlen:0"));
    assert_non_null(strstr(text, "Key Usage: critical\n                Certificate Sign, CRL Sign\n"));
}

static void keys_are_encrypted_and_private(void **s)
{
    (void)s;
    static const char *const files[] = {"p256/root.key", "p256/issuing.key", "sm2/root.key",
                                        "sm2/issuing.key"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct stat st;
        assert_int_equal(stat(arena_printf(&x.a, "%s/%s", x.dir, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(sh(&x, NULL, "grep -q 'BEGIN ENCRYPTED PRIVATE KEY' %s", files[i]), 0);
        assert_int_equal(
            sh(&x, NULL, "openssl pkey -check -noout -in %s -passin 'pass:" PASSPHRASE "'", files[i]), 0);
        assert_int_not_equal(sh(&x, NULL, "openssl pkey -noout -in %s -passin pass:wrong", files[i]), 0);
    }
}

static void the_passphrase_is_wanted(void **s)
{
    (void)s;
    assert_ok(try_open(x.dir, PASSPHRASE));
    assert_err(try_open(x.dir, "wrong passphrase"), ERR_DENIED);
    assert_err(try_open(x.dir, ""), ERR_DENIED);
    assert_err(try_open(fresh(), PASSPHRASE), ERR_NOT_FOUND);
}

static void a_ca_is_not_made_twice(void **s)
{
    (void)s;
    char *before, *after;
    sh(&x, &before, "sha256sum p256/*; ls -A");
    struct pki_ca_plan p = plan();
    assert_err(pki_ca_create(x.dir, &p, &x.f), ERR_EXISTS);
    sh(&x, &after, "sha256sum p256/*; ls -A");
    assert_string_equal(before, after);
}

static void eight_at_once_make_one(void **s)
{
    (void)s;
    enum {
        N = 8
    };
    const char *dir = fresh();
    pid_t pids[N];
    int made = 0, existed = 0;
    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct pki_ca_plan p = plan();
            _exit((int)pki_ca_create(dir, &p, NULL));
        }
    }
    for (int i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        made += WEXITSTATUS(status) == OK;
        existed += WEXITSTATUS(status) == ERR_EXISTS;
    }
    assert_int_equal(made, 1);
    assert_int_equal(existed, N - 1);
    assert_ok(try_open(dir, PASSPHRASE));
    char *names;
    sh(&x, &names, "ls -A %s", dir);
    assert_string_equal(names, "p256\n");
}

static void plans_that_cannot_be_leave_nothing(void **s)
{
    (void)s;
    const char *dir = fresh();
    struct pki_ca_plan bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = plan();
    bad[0].alg = PKI_RSA;
    bad[1].organization = "";
    bad[2].root_name = "a\nb";
    bad[3].issuing_name = bad[3].root_name;
    bad[4].root_days = 5;
    bad[5].issuing_days = 0;
    bad[6].passphrase = "short";
    bad[7].passphrase = NULL;
    bad[8].kdf_iterations = 1;
    for (size_t i = 0; i < 9; i++)
        assert_err(pki_ca_create(dir, &bad[i], &x.f), ERR_INVALID);
    char *names;
    sh(&x, &names, "ls -A %s", dir);
    assert_string_equal(names, "");
    struct pki_ca_plan p = plan();
    assert_err(pki_ca_create("/nonexistent/folder", &p, &x.f), ERR_INVALID);
}

static void files_that_do_not_fit_are_refused(void **s)
{
    (void)s;
    static const char *const spoil[] = {
        "cp ../p256/root.key %s/p256/issuing.key",   /* another key */
        "cp %s/p256/root.crt %s/p256/issuing.crt",   /* another certificate */
        "cp ../sm2/issuing.crt %s/p256/issuing.crt", /* another algorithm */
        "cp ../p256/root.crt %s/p256/root.crt",      /* another root */
        "sed -i 5d %s/p256/issuing.key",             /* a line lost */
        "echo x > %s/p256/issuing.crt",              /* no certificate */
        "truncate -s 0 %s/p256/issuing.key",         /* nothing */
        "chmod 640 %s/p256/issuing.key",             /* readable by others */
        "openssl pkey -in %s/p256/issuing.key -passin 'pass:" PASSPHRASE
        "' -out %s/k && cat %s/k > %s/p256/issuing.key", /* not encrypted */
    };
    for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
        const char *dir = fresh();
        struct pki_ca_plan p = plan();
        assert_ok(pki_ca_create(dir, &p, &x.f));
        assert_ok(try_open(dir, PASSPHRASE));
        struct buf cmd = BUF(&x.a);
        for (const char *c = spoil[i]; *c; c++)
            if (c[0] == '%' && c[1] == 's')
                buf_str(&cmd, dir), c++;
            else
                buf_add(&cmd, c, 1);
        assert_int_equal(sh(&x, NULL, "cd p256 && %s", buf_text(&cmd)), 0);
        enum err e = try_open(dir, PASSPHRASE);
        if (e != ERR_DATA_LOSS)
            print_message("# spoil %zu: %s %s\n", i, err_name(e), fault_text(&x.f));
        assert_err(e, ERR_DATA_LOSS);
    }
    const char *dir = fresh();
    struct pki_ca_plan p = plan();
    assert_ok(pki_ca_create(dir, &p, &x.f));
    assert_int_equal(sh(&x, NULL, "rm %s/p256/issuing.key", dir), 0);
    assert_err(try_open(dir, PASSPHRASE), ERR_NOT_FOUND);
}

static void the_root_key_is_not_needed(void **s)
{
    (void)s;
    const char *dir = fresh();
    struct pki_ca_plan p = plan();
    assert_ok(pki_ca_create(dir, &p, &x.f));
    assert_int_equal(sh(&x, NULL, "rm %s/p256/root.key", dir), 0);
    assert_ok(try_open(dir, PASSPHRASE));
}

/* -- threads -------------------------------------------------------------------------------------------- */

struct worker {
    pthread_t thread;
    struct pki_request r;
    int good;
};

static void *issue_ten(void *arg)
{
    struct worker *w = arg;
    const struct pki_ca *ca = x.ca[w->r.profile->alg];
    for (int i = 0; i < 10; i++) {
        struct arena a;
        struct fault f;
        struct pki_der intent, cert;
        arena_init(&a, 0);
        w->r.serial = pki_serial_new();
        w->good += pki_ca_ops(ca)->prepare(ca, &w->r, &a, &intent, &f) == OK &&
                   pki_ca_ops(ca)->sign(ca, intent, &a, &cert, &f) == OK && pki_same_tbs(intent, cert) &&
                   pki_verify_chain(cert, pki_ca_issuing(ca), pki_ca_root(ca), x.now, &f) == OK;
        arena_free(&a);
    }
    return NULL;
}

static void many_threads_use_one_ca(void **s)
{
    (void)s;
    struct pki_policy policy = policy_2023();
    struct worker w[8];
    for (size_t i = 0; i < 8; i++) {
        EVP_PKEY *k = new_card_key(i % 2 ? PKI_SM2 : PKI_P256);
        w[i] = (struct worker){
            .r = order(&x, PKI_ORGANIZATION, i % 2 ? PKI_SM2 : PKI_P256, &policy, spki_of(&x, k))};
        EVP_PKEY_free(k);
    }
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&w[i].thread, NULL, issue_ten, &w[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
        assert_int_equal(w[i].good, 10);
    }
}

static void the_back_end_has_a_name(void **s)
{
    (void)s;
    assert_string_equal(pki_ca_ops(x.ca[PKI_SM2])->name, "local");
    assert_int_equal(pki_ca_alg(x.ca[PKI_SM2]), PKI_SM2);
    pki_ca_close(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_accepts_the_cas),
        cmocka_unit_test(keys_are_encrypted_and_private),
        cmocka_unit_test(the_passphrase_is_wanted),
        cmocka_unit_test(a_ca_is_not_made_twice),
        cmocka_unit_test(eight_at_once_make_one),
        cmocka_unit_test(plans_that_cannot_be_leave_nothing),
        cmocka_unit_test(files_that_do_not_fit_are_refused),
        cmocka_unit_test(the_root_key_is_not_needed),
        cmocka_unit_test(many_threads_use_one_ca),
        cmocka_unit_test(the_back_end_has_a_name),
    };
    fixture_open(&x);
    int failed = CHECK_MAIN(tests);
    fixture_close(&x);
    return failed;
}
