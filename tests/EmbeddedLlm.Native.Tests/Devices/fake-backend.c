/*
 * A backend of ggml whose GPUs are the CPU behind a front: they have names, memory that runs out, and computations that fail, as the
 * environment says. The layouts are those of ggml v0.4 (backend API 2), as far as they are used.
 *
 *   FAKE_INIT     null: no backend; version: one of another API; absent: a backend
 *   FAKE_DEVICES  how many GPUs; 1 if absent
 *   FAKE_FREE     the bytes that each says are free; 1 GiB if absent
 *   FAKE_LIMIT    the bytes that each really gives; as many as are asked for if absent
 *   FAKE_COMPUTES how many computations succeed, all GPUs together; all if absent
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEVICES = 4, GPU = 1, FAILED = -1 };

struct tensor;
struct graph;
struct buffer;
struct buffer_type;
struct device;
struct backend;
struct registry;

struct buffer_type {
    const char *(*get_name)(struct buffer_type *);
    struct buffer *(*alloc_buffer)(struct buffer_type *, size_t);
    size_t (*get_alignment)(struct buffer_type *);
    size_t (*get_max_size)(struct buffer_type *);
    size_t (*get_alloc_size)(struct buffer_type *, const struct tensor *);
    bool (*is_host)(struct buffer_type *);
    struct device *device;
    void *context;
};

struct buffer {
    void (*free_buffer)(struct buffer *);
    void *others[10];
    struct buffer_type *type;
    void *context;
    size_t size;
    int usage;
};

struct backend {
    void *guid;
    const char *(*get_name)(struct backend *);
    void (*free)(struct backend *);
    void *asynchronous[6];
    void *plans[4];
    int (*graph_compute)(struct backend *, struct graph *);
    void *events[2];
    void *graph_optimize;
    struct device *device;
    void *context;
};

struct properties {
    const char *name;
    const char *description;
    size_t memory_free;
    size_t memory_total;
    int type;
    const char *device_id;
    bool capabilities[5];
};

struct device {
    const char *(*get_name)(struct device *);
    const char *(*get_description)(struct device *);
    void (*get_memory)(struct device *, size_t *, size_t *);
    int (*get_type)(struct device *);
    void (*get_props)(struct device *, struct properties *);
    struct backend *(*init_backend)(struct device *, const char *);
    struct buffer_type *(*get_buffer_type)(struct device *);
    void *host_buffers[2];
    bool (*supports_op)(struct device *, const struct tensor *);
    bool (*supports_buft)(struct device *, struct buffer_type *);
    void *offload_op;
    void *events[3];
    struct registry *registry;
    void *context;
};

struct registry {
    int api_version;
    const char *(*get_name)(struct registry *);
    size_t (*get_device_count)(struct registry *);
    struct device *(*get_device)(struct registry *, size_t);
    void *(*get_proc_address)(struct registry *, const char *);
    void *context;
};

extern struct device *ggml_backend_dev_by_type(int type);
extern struct registry *ggml_backend_dev_backend_reg(struct device *);
extern void *ggml_backend_reg_get_proc_address(struct registry *, const char *);
extern struct backend *ggml_backend_dev_init(struct device *, const char *);
extern bool ggml_backend_dev_supports_op(struct device *, const struct tensor *);
extern void ggml_backend_free(struct backend *);
extern int ggml_backend_graph_compute(struct backend *, struct graph *);
extern struct buffer_type *ggml_backend_cpu_buffer_type(void);
extern struct buffer *ggml_backend_buft_alloc_buffer(struct buffer_type *, size_t);
extern size_t ggml_backend_buft_get_alignment(struct buffer_type *);
extern bool ggml_backend_buft_is_host(struct buffer_type *);

struct gpu {
    struct device device;
    struct buffer_type type;
    char name[8];
    char id[16];
    size_t taken;
};

static struct gpu gpus[MOST_DEVICES];
static struct registry registry;
static void (*free_on_cpu)(struct buffer *);
static uint64_t computes_left;
static char guid[16] = "fake-backend";

static uint64_t number(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static struct device *cpu(void) { return ggml_backend_dev_by_type(0); }
static struct gpu *gpu_of(struct device *device) { return device->context; }

static const char *type_name(struct buffer_type *type) { return gpu_of(type->device)->name; }
static size_t alignment(struct buffer_type *type) { (void)type; return ggml_backend_buft_get_alignment(ggml_backend_cpu_buffer_type()); }
static bool is_host(struct buffer_type *type) { (void)type; return true; }

static void free_buffer(struct buffer *buffer) {
    gpu_of(buffer->type->device)->taken -= buffer->size;
    free_on_cpu(buffer);
}

static struct buffer *alloc_buffer(struct buffer_type *type, size_t size) {
    struct gpu *gpu = gpu_of(type->device);
    if (gpu->taken + size > number("FAKE_LIMIT", UINT64_MAX))
        return NULL;
    struct buffer *buffer = ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size);
    if (buffer == NULL)
        return NULL;
    free_on_cpu = buffer->free_buffer;
    buffer->free_buffer = free_buffer;
    buffer->type = type;
    gpu->taken += buffer->size;
    return buffer;
}

static const char *backend_name(struct backend *backend) { return gpu_of(backend->device)->name; }

static void free_backend(struct backend *backend) {
    ggml_backend_free(backend->context);
    free(backend);
}

static int graph_compute(struct backend *backend, struct graph *graph) {
    if (computes_left == 0)
        return FAILED;
    computes_left--;
    return ggml_backend_graph_compute(backend->context, graph);
}

static struct backend *init_backend(struct device *device, const char *parameters) {
    struct backend *backend = calloc(1, sizeof *backend);
    backend->guid = guid;
    backend->get_name = backend_name;
    backend->free = free_backend;
    backend->graph_compute = graph_compute;
    backend->device = device;
    backend->context = ggml_backend_dev_init(cpu(), parameters);
    void (*set_threads)(struct backend *, int) =
        (void (*)(struct backend *, int))ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu()), "ggml_backend_set_n_threads");
    set_threads(backend->context, 1);
    return backend;
}

static const char *device_name(struct device *device) { return gpu_of(device)->name; }
static const char *description(struct device *device) { (void)device; return "A GPU that is none"; }
static int device_type(struct device *device) { (void)device; return GPU; }

static void memory(struct device *device, size_t *free, size_t *total) {
    (void)device;
    *free = number("FAKE_FREE", 1u << 30);
    *total = 2 * *free;
}

static void properties(struct device *device, struct properties *properties) {
    properties->name = device_name(device);
    properties->description = description(device);
    properties->type = device_type(device);
    properties->device_id = gpu_of(device)->id;
    memory(device, &properties->memory_free, &properties->memory_total);
}

static struct buffer_type *buffer_type(struct device *device) { return &gpu_of(device)->type; }
static bool supports_op(struct device *device, const struct tensor *op) { (void)device; return ggml_backend_dev_supports_op(cpu(), op); }
static bool supports_type(struct device *device, struct buffer_type *type) { (void)device; return ggml_backend_buft_is_host(type); }

static const char *registry_name(struct registry *registry) { (void)registry; return "Fake"; }
static size_t device_count(struct registry *registry) { (void)registry; return number("FAKE_DEVICES", 1); }
static struct device *get_device(struct registry *registry, size_t index) { (void)registry; return &gpus[index].device; }
static void *proc_address(struct registry *registry, const char *name) { (void)registry; (void)name; return NULL; }

struct registry *ggml_backend_init(void) {
    const char *init = getenv("FAKE_INIT");
    if (init != NULL && strcmp(init, "null") == 0)
        return NULL;
    computes_left = number("FAKE_COMPUTES", UINT64_MAX);
    registry = (struct registry){
        .api_version = init != NULL && strcmp(init, "version") == 0 ? 99 : 2,
        .get_name = registry_name,
        .get_device_count = device_count,
        .get_device = get_device,
        .get_proc_address = proc_address,
    };
    for (int i = 0; i < MOST_DEVICES; i++) {
        struct gpu *gpu = &gpus[i];
        snprintf(gpu->name, sizeof gpu->name, "FAKE%d", i);
        snprintf(gpu->id, sizeof gpu->id, "fake:%d", i);
        gpu->type = (struct buffer_type){
            .get_name = type_name, .alloc_buffer = alloc_buffer, .get_alignment = alignment, .is_host = is_host, .device = &gpu->device,
        };
        gpu->device = (struct device){
            .get_name = device_name,
            .get_description = description,
            .get_memory = memory,
            .get_type = device_type,
            .get_props = properties,
            .init_backend = init_backend,
            .get_buffer_type = buffer_type,
            .supports_op = supports_op,
            .supports_buft = supports_type,
            .registry = &registry,
            .context = gpu,
        };
    }
    return &registry;
}
