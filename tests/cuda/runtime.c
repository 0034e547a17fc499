/* A CUDA runtime without a device, for tests: torch's CUDA build runs on it as it is.
 *
 * Memory of a device is memory of the host, so copies are real. Kernels do nothing, so no value that they would compute means
 * anything. Streams, events and captures keep CUDA's rules as far as a recorded training step can break them: during a capture
 * a wait for the host, a copy to or from it, an allocation, a launch on the default stream or an event from outside makes the
 * capture invalid, as on a GPU. cuBLAS is counted, cuDNN is not there.
 *
 * Preloaded; RUNTIME_DEVICES says how many devices there are (1). RUNTIME_FAILS="N FILE" makes launch N the last one that the
 * device takes, in the one process that can make FILE: from then on every call tells the error, as after a fault of a kernel.
 * With RUNTIME_DRIVER=11040 the driver is one of CUDA 11.4, and too old. Tests ask through the functions at the end of this file.
 */
#define _GNU_SOURCE
#include <cuda_runtime_api.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- state ------------------------------------------------------------------------------------------------------------ */

typedef struct {
    unsigned long long capture; /* the capture that it takes part in, or 0 */
} Stream;

typedef struct {
    unsigned long long capture;
    int recorded;
} Event;

typedef struct {
    char *start;
    size_t size;
    int on_host;
    int device;
} Allocation;

enum { GLOBAL = 0, RELAXED = 2 };
enum { COPY = 0 }; /* in place of a number of blocks: not a kernel */
static const size_t DEVICE_BYTES = (size_t)80 << 30;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int current_device = 0;
static __thread int thread_mode = GLOBAL;
static __thread cudaError_t last_error = cudaSuccess;

static Stream default_stream, per_thread_stream;
static Stream *capturing; /* where the capture began */
static unsigned long long captures, active_capture;
static int active_mode;
static long captured_nodes;
static const char *invalid_because; /* of the active capture */
static char last_reason[160];

/* Of each launch so far. */
static long *blocks;
static Stream **streams;
static long launched, launches_room;

/* Of each launch of a graph so far. */
static Stream **graph_streams;
static long graphs_launched, graphs_room;

static Allocation *allocations;
static long allocated, allocations_room;
static size_t used;

static cudaError_t fault = cudaSuccess; /* of a kernel: it stays */

static void fail_if_it_is_time(void) {
    static long at = -1;
    static char file[4096];
    const char *given = getenv("RUNTIME_FAILS");
    if (!given || fault) return;
    if (at < 0) sscanf(given, "%ld %4095s", &at, file);
    if (launched < at) return;
    int made = open(file, O_CREAT | O_EXCL, 0666);
    if (made < 0) return;
    close(made);
    fault = cudaErrorIllegalAddress;
}

static int devices(void) {
    const char *given = getenv("RUNTIME_DEVICES");
    return given ? atoi(given) : 1;
}

static cudaError_t result(cudaError_t code) {
    if (code != cudaSuccess) last_error = code;
    return code;
}

static Stream *stream_of(cudaStream_t stream) {
    if (stream == NULL || stream == cudaStreamLegacy) return &default_stream;
    if (stream == cudaStreamPerThread) return &per_thread_stream;
    return (Stream *)stream;
}

static cudaError_t invalidate(const char *why, cudaError_t code) {
    if (!invalid_because) {
        invalid_because = why;
        snprintf(last_reason, sizeof last_reason, "%s", why);
    }
    return result(code);
}

/* A call that no thread may make while a capture in the global mode is under way. */
static cudaError_t not_while_capturing(const char *call) {
    if (fault) return fault;
    if (active_capture && thread_mode != RELAXED && active_mode != RELAXED)
        return invalidate(call, cudaErrorStreamCaptureUnsupported);
    return cudaSuccess;
}

static void count(Stream *stream, long grid) {
    pthread_mutex_lock(&lock);
    if (launched == launches_room) {
        launches_room = launches_room ? 2 * launches_room : 4096;
        blocks = realloc(blocks, launches_room * sizeof *blocks);
        streams = realloc(streams, launches_room * sizeof *streams);
    }
    blocks[launched] = grid;
    streams[launched++] = stream;
    if (active_capture && stream->capture == active_capture) captured_nodes++;
    pthread_mutex_unlock(&lock);
}

/* ---- kernels ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    dim3 grid, block;
    size_t shared;
    void *stream;
} Configuration;

static __thread Configuration configurations[16];
static __thread int configured;

void **__cudaRegisterFatBinary(void *binary) {
    static void *handle[4];
    return handle;
}
void __cudaRegisterFatBinaryEnd(void **handle) {}
void __cudaUnregisterFatBinary(void **handle) {}
void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int a, size_t b, int c, int d) {}
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int limit, void *a, void *b,
                            void *c, void *d, int *e) {}
char __cudaInitModule(void **handle) { return 1; }

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, void *stream) {
    configurations[configured++ & 15] = (Configuration){grid, block, shared, stream};
    return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream) {
    Configuration *last = &configurations[--configured & 15];
    *grid = last->grid, *block = last->block, *shared = last->shared, *(void **)stream = last->stream;
    return cudaSuccess;
}

static cudaError_t launch(dim3 grid, cudaStream_t given) {
    Stream *stream = stream_of(given);
    if (stream == &default_stream && active_capture && thread_mode != RELAXED)
        return invalidate("a launch on the default stream", cudaErrorStreamCaptureImplicit);
    count(stream, (long)grid.x * grid.y * grid.z);
    fail_if_it_is_time();
    return result(fault);
}
cudaError_t cudaLaunchKernel(const void *f, dim3 grid, dim3 block, void **arguments, size_t shared, cudaStream_t stream) {
    return launch(grid, stream);
}
cudaError_t __cudaLaunchKernel(cudaKernel_t f, dim3 grid, dim3 block, void **arguments, size_t shared, cudaStream_t stream) {
    return launch(grid, stream);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *how, const void *f, void **arguments) {
    return launch(how->gridDim, how->stream);
}
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *f) {
    *kernel = (cudaKernel_t)f;
    return cudaSuccess;
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
    function(data);
    return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *f) {
    memset(attributes, 0, sizeof *attributes);
    attributes->maxThreadsPerBlock = 1024, attributes->numRegs = 32;
    attributes->ptxVersion = attributes->binaryVersion = 90;
    return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *f, enum cudaFuncAttribute attribute, int value) { return cudaSuccess; }
cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t f, enum cudaFuncAttribute attribute, int value, int device) {
    return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *n, const void *f, int block, size_t shared,
                                                                   unsigned flags) {
    *n = 8;
    return cudaSuccess;
}

/* ---- devices ---------------------------------------------------------------------------------------------------------- */

static const char *old_driver(void) { return getenv("RUNTIME_DRIVER"); }
cudaError_t cudaGetDeviceCount(int *n) {
    if (old_driver()) return result(cudaErrorInsufficientDriver);
    *n = devices();
    return *n ? cudaSuccess : result(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int *device) {
    *device = current_device;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    if (device < 0 || device >= devices()) return result(cudaErrorInvalidDevice);
    current_device = device;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
    switch (attribute) {
        case cudaDevAttrMaxThreadsPerBlock:
        case cudaDevAttrMaxBlockDimX:
        case cudaDevAttrMaxBlockDimY: *value = 1024; break;
        case cudaDevAttrMaxBlockDimZ: *value = 64; break;
        case cudaDevAttrMaxGridDimX: *value = 2147483647; break;
        case cudaDevAttrMaxGridDimY:
        case cudaDevAttrMaxGridDimZ: *value = 65535; break;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = 49152; break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 232448; break;
        case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = 233472; break;
        case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 2048; break;
        case cudaDevAttrMaxRegistersPerBlock: *value = 65536; break;
        case cudaDevAttrWarpSize: *value = 32; break;
        case cudaDevAttrMultiProcessorCount: *value = 132; break;
        case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
        case cudaDevAttrL2CacheSize: *value = 50 << 20; break;
        default: *value = 0;
    }
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device) {
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "no device %d", device);
    p->totalGlobalMem = DEVICE_BYTES, p->l2CacheSize = 50 << 20, p->textureAlignment = 512;
    p->major = 9, p->multiProcessorCount = 132, p->warpSize = 32;
    p->maxThreadsPerBlock = 1024, p->maxThreadsPerMultiProcessor = 2048;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024, p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 2147483647, p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->sharedMemPerBlock = 49152, p->sharedMemPerBlockOptin = 232448, p->sharedMemPerMultiprocessor = 233472;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char *id, int size, int device) {
    snprintf(id, size, "0000:%02x:00.0", device);
    return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int other) {
    *can = 1;
    return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int device, unsigned flags) { return cudaSuccess; }
cudaError_t cudaDeviceSynchronize(void) { return not_while_capturing("a wait for the device"); }
cudaError_t cudaDriverGetVersion(int *version) {
    *version = old_driver() ? atoi(old_driver()) : 13000;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version) { return cudaDriverGetVersion(version); }
cudaError_t cudaGetLastError(void) {
    cudaError_t code = fault ? fault : last_error;
    last_error = cudaSuccess;
    return code;
}
cudaError_t cudaPeekAtLastError(void) { return fault ? fault : last_error; }
const char *cudaGetErrorString(cudaError_t code) {
    switch (code) {
        case cudaSuccess: return "no error";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
        case cudaErrorInvalidDevice: return "invalid device ordinal";
        case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
        case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
        case cudaErrorStreamCaptureIsolation: return "dependency created on uncaptured work in another stream";
        case cudaErrorStreamCaptureImplicit: return "operation would make the legacy stream depend on a capturing stream";
        default: return "error";
    }
}
const char *cudaGetErrorName(cudaError_t code) { return cudaGetErrorString(code); }
cudaError_t cudaProfilerStart(void) { return cudaSuccess; }
cudaError_t cudaProfilerStop(void) { return cudaSuccess; }

/* ---- memory ----------------------------------------------------------------------------------------------------------- */

static void keep(void *start, size_t size, int on_host) {
    pthread_mutex_lock(&lock);
    if (allocated == allocations_room) {
        allocations_room = allocations_room ? 2 * allocations_room : 1024;
        allocations = realloc(allocations, allocations_room * sizeof *allocations);
    }
    allocations[allocated++] = (Allocation){start, size, on_host, current_device};
    if (!on_host) used += size;
    pthread_mutex_unlock(&lock);
}
static void drop(void *start) {
    pthread_mutex_lock(&lock);
    for (long i = 0; i < allocated; i++)
        if (allocations[i].start == start) {
            if (!allocations[i].on_host) used -= allocations[i].size;
            allocations[i] = allocations[--allocated];
            break;
        }
    pthread_mutex_unlock(&lock);
}
static void *room(size_t size, size_t alignment, int on_host) {
    size_t whole = (size + alignment - 1) / alignment * alignment;
    void *start = aligned_alloc(alignment, whole ? whole : alignment);
    memset(start, 0, size);
    keep(start, size, on_host);
    return start;
}

cudaError_t cudaMalloc(void **start, size_t size) {
    cudaError_t code = not_while_capturing("an allocation");
    if (code) return code;
    if (used + size > DEVICE_BYTES) return result(cudaErrorMemoryAllocation);
    *start = room(size, 512, 0);
    return cudaSuccess;
}
cudaError_t cudaFree(void *start) {
    cudaError_t code = not_while_capturing("a release of memory");
    if (code) return code;
    drop(start);
    free(start);
    return cudaSuccess;
}
cudaError_t cudaMallocAsync(void **start, size_t size, cudaStream_t stream) { return cudaMalloc(start, size); }
cudaError_t cudaFreeAsync(void *start, cudaStream_t stream) { return cudaFree(start); }
cudaError_t cudaHostAlloc(void **start, size_t size, unsigned flags) {
    *start = room(size, 4096, 1);
    return cudaSuccess;
}
cudaError_t cudaFreeHost(void *start) {
    drop(start);
    free(start);
    return cudaSuccess;
}
cudaError_t cudaHostRegister(void *start, size_t size, unsigned flags) {
    keep(start, size, 1);
    return cudaSuccess;
}
cudaError_t cudaHostUnregister(void *start) {
    drop(start);
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *left, size_t *all) {
    *all = DEVICE_BYTES, *left = DEVICE_BYTES - used;
    return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *found, const void *pointer) {
    memset(found, 0, sizeof *found);
    found->type = cudaMemoryTypeUnregistered, found->device = -2;
    pthread_mutex_lock(&lock);
    for (long i = 0; i < allocated; i++) {
        Allocation *a = &allocations[i];
        if ((char *)pointer < a->start || (char *)pointer >= a->start + a->size) continue;
        found->type = a->on_host ? cudaMemoryTypeHost : cudaMemoryTypeDevice, found->device = a->device;
        found->devicePointer = (void *)pointer, found->hostPointer = a->on_host ? (void *)pointer : NULL;
        break;
    }
    pthread_mutex_unlock(&lock);
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, enum cudaMemcpyKind kind, cudaStream_t given) {
    Stream *stream = stream_of(given);
    if (stream->capture && kind != cudaMemcpyDeviceToDevice)
        return invalidate("a copy to or from the host", cudaErrorStreamCaptureUnsupported);
    if (fault) return fault;
    count(stream, COPY);
    if (!stream->capture) memmove(to, from, size);
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void *to, const void *from, size_t size, enum cudaMemcpyKind kind) {
    cudaError_t code = not_while_capturing("a copy that waits");
    if (code) return code;
    memmove(to, from, size);
    return cudaSuccess;
}
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              enum cudaMemcpyKind kind, cudaStream_t stream) {
    for (size_t row = 0; row < height; row++) memmove((char *)to + row * to_pitch, (char *)from + row * from_pitch, width);
    return cudaSuccess;
}
cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t size, cudaStream_t s) {
    memmove(to, from, size);
    return cudaSuccess;
}
cudaError_t cudaMemcpyToSymbol(const void *to, const void *from, size_t size, size_t offset, enum cudaMemcpyKind kind) {
    return cudaSuccess;
}
cudaError_t cudaMemset(void *start, int value, size_t size) {
    cudaError_t code = not_while_capturing("a fill that waits");
    if (code) return code;
    memset(start, value, size);
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *start, int value, size_t size, cudaStream_t given) {
    Stream *stream = stream_of(given);
    count(stream, COPY);
    if (!stream->capture) memset(start, value, size);
    return cudaSuccess;
}
cudaError_t cudaGetSymbolAddress(void **address, const void *symbol) {
    static char somewhere[1 << 16];
    *address = somewhere;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device) {
    *pool = (cudaMemPool_t)1;
    return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value) {
    memset(value, 0, 8);
    return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t size) { return cudaSuccess; }

/* ---- streams and captures --------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) {
    *stream = (cudaStream_t)calloc(1, sizeof(Stream));
    return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    return cudaStreamCreateWithPriority(stream, flags, 0);
}
cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithPriority(stream, 0, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return cudaSuccess; }
cudaError_t cudaStreamGetPriority(cudaStream_t stream, int *priority) {
    *priority = 0;
    return cudaSuccess;
}
static long waited;
long waits(void) { return waited; }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    waited++;
    if (stream_of(stream)->capture) return invalidate("a wait for the stream", cudaErrorStreamCaptureUnsupported);
    return not_while_capturing("a wait for a stream");
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    return stream_of(stream)->capture ? result(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t given, cudaEvent_t event, unsigned flags) {
    Stream *stream = stream_of(given);
    Event *awaited = (Event *)event;
    if (stream->capture && awaited->recorded && awaited->capture != stream->capture)
        return invalidate("a wait for an event from outside", cudaErrorStreamCaptureIsolation);
    if (!stream->capture && awaited->capture && awaited->capture == active_capture) stream->capture = active_capture;
    return cudaSuccess;
}
cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void *data, unsigned flags) {
    callback(stream, 0, data);
    return cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode) {
    int before = thread_mode;
    thread_mode = *mode, *mode = before;
    return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t given, enum cudaStreamCaptureMode mode) {
    Stream *stream = stream_of(given);
    if (stream->capture || active_capture) return result(cudaErrorIllegalState);
    stream->capture = active_capture = ++captures;
    active_mode = mode, capturing = stream, captured_nodes = 0, invalid_because = NULL, last_reason[0] = 0;
    return cudaSuccess;
}
cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t stream, cudaGraph_t graph, const cudaGraphNode_t *nodes,
                                          const cudaGraphEdgeData *edges, size_t n, enum cudaStreamCaptureMode mode) {
    return result(cudaErrorNotSupported);
}
cudaError_t cudaStreamEndCapture(cudaStream_t given, cudaGraph_t *graph) {
    Stream *stream = stream_of(given);
    if (!stream->capture) return result(cudaErrorIllegalState);
    stream->capture = default_stream.capture = active_capture = 0;
    *graph = NULL;
    if (invalid_because) return result(cudaErrorStreamCaptureInvalidated);
    *graph = malloc(sizeof(long));
    *(long *)*graph = captured_nodes;
    return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t given, enum cudaStreamCaptureStatus *status) {
    int takes_part = stream_of(given)->capture != 0;
    *status = !takes_part       ? cudaStreamCaptureStatusNone
              : invalid_because ? cudaStreamCaptureStatusInvalidated
                                : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus *status, unsigned long long *id,
                                     cudaGraph_t *graph, const cudaGraphNode_t **nodes, const cudaGraphEdgeData **edges,
                                     size_t *n) {
    if (id) *id = stream_of(stream)->capture;
    if (graph) *graph = NULL;
    if (nodes) *nodes = NULL;
    if (edges) *edges = NULL;
    if (n) *n = 0;
    return cudaStreamIsCapturing(stream, status);
}
cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t *nodes, const cudaGraphEdgeData *edges,
                                                size_t n, unsigned flags) {
    return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *n) {
    *n = *(long *)graph;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *ready, cudaGraph_t graph, unsigned long long flags) {
    *ready = malloc(sizeof(long));
    return not_while_capturing("an instantiation");
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
    pthread_mutex_lock(&lock);
    if (graphs_launched == graphs_room) {
        graphs_room = graphs_room ? 2 * graphs_room : 256;
        graph_streams = realloc(graph_streams, graphs_room * sizeof *graph_streams);
    }
    graph_streams[graphs_launched++] = stream_of(stream);
    pthread_mutex_unlock(&lock);
    return result(fault);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    free(graph);
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    free(graph);
    return cudaSuccess;
}
cudaError_t cudaGraphRetainUserObject(cudaGraph_t graph, cudaUserObject_t object, unsigned n, unsigned flags) {
    return cudaSuccess;
}
cudaError_t cudaUserObjectCreate(cudaUserObject_t *object, void *data, cudaHostFn_t destroy, unsigned n, unsigned flags) {
    *object = malloc(sizeof(long));
    return cudaSuccess;
}
cudaError_t cudaUserObjectRelease(cudaUserObject_t object, unsigned n) { return cudaSuccess; }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    *event = (cudaEvent_t)calloc(1, sizeof(Event));
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    *(Event *)event = (Event){stream_of(stream)->capture, 1};
    return cudaSuccess;
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
    return cudaEventRecord(event, stream);
}
cudaError_t cudaEventQuery(cudaEvent_t event) { return not_while_capturing("a question to an event"); }
cudaError_t cudaEventSynchronize(cudaEvent_t event) { return not_while_capturing("a wait for an event"); }
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
    *milliseconds = 1;
    return cudaSuccess;
}

/* ---- the driver, as far as torch asks for it through the runtime -------------------------------------------------------- */

static int nothing(void) { return 0; }
static int state_of_context(int device, unsigned *flags, int *active) {
    if (flags) *flags = 0;
    if (active) *active = 1;
    return 0;
}
static int device_of(int *device, int number) {
    *device = number;
    return 0;
}
static int current_context(void **context) {
    *context = (void *)1;
    return 0;
}
static int text_of_error(int code, const char **text) {
    *text = "error";
    return 0;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version, unsigned long long flags,
                                             enum cudaDriverEntryPointQueryResult *found) {
    if (found) *found = cudaDriverEntryPointSuccess;
    *function = nothing;
    if (!strcmp(name, "cuDevicePrimaryCtxGetState")) *function = state_of_context;
    if (!strcmp(name, "cuDeviceGet")) *function = device_of;
    if (!strcmp(name, "cuCtxGetCurrent")) *function = current_context;
    if (!strcmp(name, "cuGetErrorString")) *function = text_of_error;
    return cudaSuccess;
}

/* ---- cuBLAS: each product is one launch on many blocks ------------------------------------------------------------------ */

#define DOES_NOTHING(name) \
    int name() { return 0; }
#define PRODUCT(name) \
    int name() { return product(); }
#define MAKES(name)           \
    int name(void **handle) { \
        *handle = malloc(64); \
        return 0;             \
    }

static __thread Stream *products_on = &default_stream;

int cublasSetStream_v2(void *handle, cudaStream_t stream) {
    products_on = stream_of(stream);
    return 0;
}
static int product(void) {
    count(products_on, 132);
    return 0;
}

MAKES(cublasCreate_v2)
DOES_NOTHING(cublasDestroy_v2)
DOES_NOTHING(cublasSetMathMode)
DOES_NOTHING(cublasSetPointerMode_v2)
DOES_NOTHING(cublasSetWorkspace_v2)
DOES_NOTHING(cublasSetSmCountTarget)
int cublasGetMathMode(void *handle, int *mode) { return *mode = 0; }
int cublasGetPointerMode_v2(void *handle, int *mode) { return *mode = 0; }
PRODUCT(cublasSgemm_v2)
PRODUCT(cublasGemmEx)
PRODUCT(cublasSgemmEx)
PRODUCT(cublasSgemmStridedBatched)
PRODUCT(cublasGemmStridedBatchedEx)
PRODUCT(cublasSgemv_v2)
PRODUCT(cublasSdot_v2)
PRODUCT(cublasDotEx)
PRODUCT(cublasLtMatmul)
size_t cublasLtGetVersion(void) { return 130000; }
MAKES(cublasLtMatmulPreferenceCreate)
MAKES(cublasLtMatmulDescCreate)
MAKES(cublasLtMatrixLayoutCreate)
DOES_NOTHING(cublasLtMatmulPreferenceDestroy)
DOES_NOTHING(cublasLtMatmulPreferenceSetAttribute)
DOES_NOTHING(cublasLtMatmulDescDestroy)
DOES_NOTHING(cublasLtMatmulDescSetAttribute)
DOES_NOTHING(cublasLtMatrixLayoutDestroy)
DOES_NOTHING(cublasLtMatrixLayoutSetAttribute)
int cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b, void *c, void *d, void *preference,
                                   int wanted, char *chosen, int *found) {
    memset(chosen, 0, 16);
    *found = 1;
    return 0;
}

/* ---- what tests ask ----------------------------------------------------------------------------------------------------- */

/* How many kernels, copies and fills have been launched so far. */
long launches(void) { return launched; }

/* On how many blocks launch `number` runs; 0 for a copy or a fill, which are no kernels. */
long blocks_of(long number) { return blocks[number]; }

/* Which stream launch `number` is on; 0 is the default one. */
long stream_of_launch(long number) { return streams[number] == &default_stream ? 0 : (long)streams[number]; }

/* How many graphs have been launched so far, and on which stream. */
long graph_launches(void) { return graphs_launched; }
long stream_of_graph(long number) { return graph_streams[number] == &default_stream ? 0 : (long)graph_streams[number]; }

/* What made the last capture invalid; empty if it is valid. */
const char *invalidated_by(void) { return last_reason; }
