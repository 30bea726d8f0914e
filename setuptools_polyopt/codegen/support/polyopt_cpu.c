/* polyopt_cpu.c: the instruction-set level of this machine, and how many processors the process may use. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "polyopt_cpu.h"
#include "polyopt_pool.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

/* ---- level ----------------------------------------------------------------------------------------------------------------------- */

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>

static uint64_t enabled_states(void)
{
    uint32_t low, high;
    __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

/* The feature lists of the x86-64 psABI; the operating system must save the registers too. */
static int32_t detect(void)
{
    uint32_t a, b, c, d, a7, b7 = 0, c7, d7, ax, bx, cx = 0, dx;
    uint64_t states;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return POLYOPT_LEVEL_BASE;
    if (!__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7)) b7 = 0;
    if (!__get_cpuid(0x80000001u, &ax, &bx, &cx, &dx)) cx = 0;
    /* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt, lahf */
    if (!has(c, 1u | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23) || !has(cx, 1u)) return POLYOPT_LEVEL_BASE;
    /* fma movbe xsave osxsave avx f16c; bmi1 avx2 bmi2; lzcnt */
    if (!has(c, 1u << 12 | 1u << 22 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 29)) return POLYOPT_LEVEL_V2;
    if (!has(b7, 1u << 3 | 1u << 5 | 1u << 8) || !has(cx, 1u << 5)) return POLYOPT_LEVEL_V2;
    states = enabled_states();
    if ((states & 6) != 6) return POLYOPT_LEVEL_V2;
    /* avx512 f dq cd bw vl */
    if (!has(b7, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31) || (states & 0xe6) != 0xe6) return POLYOPT_LEVEL_V3;
    return POLYOPT_LEVEL_V4;
}
#else
static int32_t detect(void) { return POLYOPT_LEVEL_BASE; }
#endif

int32_t polyopt_cpu_level(void)
{
    static const char *const names[POLYOPT_LEVELS] = {"base", "v2", "v3", "v4"};
    int32_t level = detect();
    const char *wanted = getenv("POLYOPT_CPU_LEVEL");
    for (int32_t i = 0; wanted && i < level; i++)
        if (strcmp(wanted, names[i]) == 0) return i;
    return level;
}

/* ---- processors -------------------------------------------------------------------------------------------------------------------- */

static int32_t positive(const char *text)
{
    char *end;
    long value = text ? strtol(text, &end, 10) : 0;
    return value >= 1 && value <= 1 << 16 ? (int32_t)value : 0;
}

#if defined(__linux__)
static int read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    int ok = file && fgets(line, size, file);
    if (file) fclose(file);
    return ok;
}

/* quota / period of one cgroup directory, or 0 where it sets none. */
static int32_t quota_of(const char *root, const char *group, int version)
{
    char path[4200], line[128];
    double quota = -1, period = 100000;
    if (version == 2) {
        snprintf(path, sizeof path, "%s%s/cpu.max", root, group);
        if (!read_line(path, line, sizeof line) || sscanf(line, "%lf %lf", &quota, &period) < 1) return 0;
    }
    else {
        snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", root, group);
        if (!read_line(path, line, sizeof line) || sscanf(line, "%lf", &quota) != 1) return 0;
        snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", root, group);
        if (!read_line(path, line, sizeof line) || sscanf(line, "%lf", &period) != 1) return 0;
    }
    if (quota <= 0 || period <= 0) return 0;
    return quota < period ? 1 : (int32_t)(quota / period);
}

static int32_t least(int32_t a, int32_t b) { return !a ? b : !b ? a : a < b ? a : b; }

/* The smallest quota on the way from the process's cgroup to the root (in a container the visible root is its own group). */
static int32_t quota(void)
{
    char line[4096];
    int32_t found = 0;
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        const char *root;
        int version;
        if (!group) continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        names++;
        if (*names == '\0') version = 2, root = "/sys/fs/cgroup";
        else if (strcmp(names, "cpu") == 0 || strncmp(names, "cpu,", 4) == 0 || strstr(names, ",cpu,") ||
                 (strlen(names) > 4 && strcmp(names + strlen(names) - 4, ",cpu") == 0))
            version = 1, root = "/sys/fs/cgroup/cpu";
        else continue;
        for (;;) {
            char *slash = strrchr(group, '/');
            found = least(found, quota_of(root, strcmp(group, "/") == 0 ? "" : group, version));
            if (!slash || *group == '\0') break;
            *slash = '\0';
        }
    }
    fclose(file);
    return found;
}

static int32_t processors(void)
{
    cpu_set_t set;
    int32_t count = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
    if (count < 1) count = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    return least(count < 1 ? 1 : count, quota());
}
#elif defined(__unix__) || defined(__APPLE__)
static int32_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (int32_t)count;
}
#else
static int32_t processors(void) { return 1; }
#endif

int32_t polyopt_default_threads(void)
{
    int32_t wanted = positive(getenv("POLYOPT_NUM_THREADS"));
    if (!wanted) wanted = positive(getenv("OMP_NUM_THREADS"));
    return wanted ? wanted : processors();
}
