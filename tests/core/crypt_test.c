/* Keys, fields, codes and page tokens (core/crypt.h, core/page.h). Needs no database. */
#include "lib/check.h"

#include "core/crypt.h"
#include "core/page.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct keyring *keys;
static struct arena arena;
static struct fault f;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
    (void)st, (void)kind, (void)w;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/certdesk-keys-XXXXXX");
    assert_non_null(mkdtemp(dir));
    arena_init(&arena, 0);
    fault_clear(&f);
    assert_ok(keyring_open(dir, true, &keys, &f));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyring_close(keys);
    arena_free(&arena);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_dir(const char *name)
{
    return arena_printf(&arena, "%s/%s", dir, name);
}

static void write_key(const char *name, mode_t mode, size_t n)
{
    char bytes[64];
    random_bytes(bytes, sizeof bytes);
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void reopen(void)
{
    keyring_close(keys);
    keys = NULL;
    assert_ok(keyring_open(dir, false, &keys, &f));
}

static void files_are_ours_alone(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(in_dir("master.1.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(stat(in_dir("seal.key.pem"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(in_dir("seal.pub.pem"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    for (mode_t mode = 0640; mode >= 0604; mode -= 0640 - 0604) {
        assert_int_equal(chmod(in_dir("master.1.key"), mode), 0);
        struct keyring *k;
        assert_err(keyring_open(dir, true, &k, &f), ERR_PRECONDITION);
        assert_non_null(strstr(fault_text(&f), "master.1.key"));
    }
}

static void broken_folders_are_refused(void **state)
{
    (void)state;
    struct keyring *k;
    assert_err(keyring_open("/nonexistent/keys", false, &k, &f), ERR_PRECONDITION);
    write_key("master.2.key", 0600, 31);
    assert_err(keyring_open(dir, false, &k, &f), ERR_PRECONDITION);
    write_key("master.2.key", 0600, 33);
    assert_err(keyring_open(dir, false, &k, &f), ERR_PRECONDITION);
    unlink(in_dir("master.2.key"));
    assert_int_equal(symlink("/dev/zero", in_dir("master.3.key")), 0);
    assert_err(keyring_open(dir, false, &k, &f), ERR_PRECONDITION);
    unlink(in_dir("master.3.key"));
    unlink(in_dir("master.1.key"));
    assert_err(keyring_open(dir, false, &k, &f), ERR_PRECONDITION);
}

static void a_field_opens_where_it_was_sealed(void **state)
{
    (void)state;
    const char text[] = "330102199001011234";
    const void *sealed, *again;
    const char *plain;
    size_t n, again_n, plain_n;
    assert_ok(crypt_seal(keys, &arena, "orders.id:ord_1", text, sizeof text - 1, &sealed, &n));
    assert_ok(crypt_seal(keys, &arena, "orders.id:ord_1", text, sizeof text - 1, &again, &again_n));
    assert_int_equal(n, again_n);
    assert_memory_not_equal(sealed, again, n);
    assert_ok(crypt_open(keys, &arena, "orders.id:ord_1", sealed, n, &plain, &plain_n, &f));
    assert_string_equal(plain, text);
    assert_int_equal(plain_n, sizeof text - 1);
    assert_err(crypt_open(keys, &arena, "orders.id:ord_2", sealed, n, &plain, &plain_n, &f), ERR_DATA_LOSS);
    unsigned char *bent = arena_memdup(&arena, sealed, n);
    for (size_t i = 0; i < n; i++) {
        bent[i] ^= 1;
        assert_err(crypt_open(keys, &arena, "orders.id:ord_1", bent, n, &plain, &plain_n, &f), ERR_DATA_LOSS);
        bent[i] ^= 1;
        assert_err(crypt_open(keys, &arena, "orders.id:ord_1", bent, i, &plain, &plain_n, &f), ERR_DATA_LOSS);
    }
    assert_ok(crypt_seal(keys, &arena, "x", NULL, 0, &sealed, &n));
    assert_ok(crypt_open(keys, &arena, "x", sealed, n, &plain, &plain_n, &f));
    assert_string_equal(plain, "");
}

static void a_new_master_key_keeps_the_old_values(void **state)
{
    (void)state;
    const void *sealed, *newer;
    const char *plain;
    size_t n, newer_n;
    unsigned char before[32], after[32], derived[32], derived_after[32];
    assert_ok(crypt_seal(keys, &arena, "p", "old", 3, &sealed, &n));
    crypt_lookup(keys, "uscc", "91350100M000100Y43", before);
    crypt_derive(keys, "purpose", derived);
    write_key("master.10.key", 0600, 32);
    reopen();
    assert_ok(crypt_open(keys, &arena, "p", sealed, n, &plain, NULL, &f));
    assert_string_equal(plain, "old");
    assert_ok(crypt_seal(keys, &arena, "p", "new", 3, &newer, &newer_n));
    assert_int_equal(((const unsigned char *)newer)[0], 10);
    crypt_lookup(keys, "uscc", "91350100M000100Y43", after);
    crypt_derive(keys, "purpose", derived_after);
    assert_memory_equal(before, after, 32);
    assert_memory_equal(derived, derived_after, 32);
    unlink(in_dir("master.1.key"));
    reopen();
    assert_err(crypt_open(keys, &arena, "p", sealed, n, &plain, NULL, &f), ERR_DATA_LOSS);
}

static void lookups_differ_by_domain_and_key(void **state)
{
    (void)state;
    unsigned char a[32], b[32];
    crypt_lookup(keys, "phone", "13800000000", a);
    crypt_lookup(keys, "phone", "13800000000", b);
    assert_memory_equal(a, b, 32);
    crypt_lookup(keys, "resident_id", "13800000000", b);
    assert_memory_not_equal(a, b, 32);
    crypt_lookup(keys, "phone1", "3800000000", b); /* the same letters, cut elsewhere */
    assert_memory_not_equal(a, b, 32);
    crypt_derive(keys, "a", a);
    crypt_derive(keys, "b", b);
    assert_memory_not_equal(a, b, 32);
}

/* RFC 7914 gives its vectors for other sizes; FIPS 180-4's "abc" stands for the digest. */
static void sha256_is_sha256(void **state)
{
    (void)state;
    unsigned char got[32];
    char hex[65];
    crypt_sha256("abc", 3, got);
    hex_encode(got, 32, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void passwords(void **state)
{
    (void)state;
    const char *hash, *other;
    assert_ok(crypt_password_hash(&arena, "correct 电池", &hash, &f));
    assert_ok(crypt_password_hash(&arena, "correct 电池", &other, &f));
    assert_string_not_equal(hash, other);
    assert_memory_equal(hash, "$scrypt$ln=15,r=8,p=1$", 22);
    assert_true(crypt_password_matches(hash, "correct 电池"));
    assert_false(crypt_password_matches(hash, "correct 电池 "));
    assert_false(crypt_password_matches(hash, ""));
    const char *bad[] = {
        "",
        "$",
        "$scrypt$ln=15,r=8,p=1$",
        "$scrypt$ln=15,r=8,p=1$AAAA",
        "$scrypt$ln=15,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "111111"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(crypt_password_matches(bad[i], "correct 电池"));
    assert_false(crypt_password_matches(NULL, "x"));
}

static void digits_and_tokens(void **state)
{
    (void)state;
    int count[10] = {0};
    char code[7], token[44], other[44];
    for (int i = 0; i < 5000; i++) {
        crypt_digits(code, 6);
        assert_int_equal(strlen(code), 6);
        for (int k = 0; k < 6; k++)
            count[code[k] - '0']++;
    }
    for (int i = 0; i < 10; i++) /* 3000 each expected; 6 sigma is 312 */
        assert_in_range(count[i], 2600, 3400);
    crypt_token(token);
    crypt_token(other);
    assert_int_equal(strlen(token), 43);
    assert_string_not_equal(token, other);
    size_t n;
    assert_non_null(crypt_base64url_read(&arena, token, &n));
    assert_int_equal(n, 32);
}

static void base64url(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        unsigned char b[40], *back;
        size_t back_n;
        random_bytes(b, n);
        char *text = crypt_base64url(&arena, b, n);
        assert_null(strpbrk(text, "+/="));
        assert_non_null(back = crypt_base64url_read(&arena, text, &back_n));
        assert_int_equal(back_n, n);
        assert_memory_equal(back, b, n);
    }
    size_t n;
    assert_null(crypt_base64url_read(&arena, "A", &n));
    assert_null(crypt_base64url_read(&arena, "AA=", &n));
    assert_null(crypt_base64url_read(&arena, "AB", &n)); /* bits beyond the byte */
    assert_null(crypt_base64url_read(&arena, "A A", &n));
}

static void seals_verify_with_the_public_half(void **state)
{
    (void)state;
    unsigned char sig[128];
    size_t n;
    assert_ok(crypt_sign(keys, "heads", 5, sig, &n, &f));
    const char *pem = crypt_seal_public(keys);
    assert_ok(crypt_verify(pem, "heads", 5, sig, n, &f));
    assert_err(crypt_verify(pem, "heade", 5, sig, n, &f), ERR_SIGNATURE_BAD);
    sig[n - 1] ^= 1;
    assert_err(crypt_verify(pem, "heads", 5, sig, n, &f), ERR_SIGNATURE_BAD);
    assert_err(crypt_verify("nonsense", "heads", 5, sig, n, &f), ERR_INVALID);
    /* the same key after a restart */
    char *before = arena_strdup(&arena, pem);
    reopen();
    assert_string_equal(crypt_seal_public(keys), before);
}

static void page_tokens(void **state)
{
    (void)state;
    struct ctx c = {.arena = &arena, .fault = &f, .keys = keys};
    const char *key, *token = page_token(&c, "orders:chn_1", "ord_01jd");
    assert_ok(page_key(&c, "orders:chn_1", token, &key));
    assert_string_equal(key, "ord_01jd");
    assert_ok(page_key(&c, "orders:chn_1", "", &key));
    assert_string_equal(key, "");
    assert_ok(page_key(&c, "orders:chn_1", NULL, &key));
    assert_err(page_key(&c, "orders:chn_2", token, &key), ERR_PAGE_TOKEN);
    for (size_t i = 0; i < strlen(token); i++) {
        char *bent = arena_strdup(&arena, token);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_err(page_key(&c, "orders:chn_1", bent, &key), ERR_PAGE_TOKEN);
        bent[i] = '\0';
        if (i)
            assert_err(page_key(&c, "orders:chn_1", bent, &key), ERR_PAGE_TOKEN);
    }
    assert_err(page_key(&c, "orders:chn_1", "ord_01jd", &key), ERR_PAGE_TOKEN);
    assert_ok(page_key(&c, "s", page_token(&c, "s", ""), &key));
    assert_string_equal(key, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_ours_alone),
        TEST(broken_folders_are_refused),
        TEST(a_field_opens_where_it_was_sealed),
        TEST(a_new_master_key_keeps_the_old_values),
        TEST(lookups_differ_by_domain_and_key),
        TEST(sha256_is_sha256),
        TEST(passwords),
        TEST(digits_and_tokens),
        TEST(base64url),
        TEST(seals_verify_with_the_public_half),
        TEST(page_tokens),
    };
    return CHECK_MAIN(tests);
}
