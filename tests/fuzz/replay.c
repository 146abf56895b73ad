#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 65536
};

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* An allocation of exactly n octets, so that the address sanitizer sees the first one too many. */
static void run(const uint8_t *p, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, p, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static void run_all(uint8_t *p, size_t n)
{
    run(p, n);
    for (size_t cut = 0; cut < n; cut++)
        run(p, cut);
    for (size_t i = 0; i < n; i++) {
        uint8_t was = p[i];
        p[i] = (uint8_t)(was ^ (1u << i % 8));
        run(p, n);
        p[i] = 0xFF;
        run(p, n);
        p[i] = was;
    }
}

static int run_file(const char *folder, const char *name)
{
    static uint8_t p[FILE_MAX];
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return 1;
    size_t n = fread(p, 1, sizeof p, f);
    fclose(f);
    run_all(p, n);
    return 0;
}

int fuzz_replay(const char *folder)
{
    struct dirent **files;
    int n = scandir(folder, &files, visible, alphasort), failed = n <= 0;
    printf("1..%d\n", n > 0 ? n : 1);
    if (n <= 0)
        printf("not ok 1 - %s has no corpus\n", folder);
    for (int i = 0; i < n; i++) {
        int bad = run_file(folder, files[i]->d_name);
        printf("%s %d - %s\n", bad ? "not ok" : "ok", i + 1, files[i]->d_name);
        failed |= bad;
        free(files[i]);
    }
    if (n >= 0)
        free(files);
    return failed;
}
