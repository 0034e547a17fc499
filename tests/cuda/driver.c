/* The few functions of the CUDA driver that torch's libraries are linked to; see runtime.c. Not one of them is asked to do
 * anything by a training step. */
#include <string.h>

#define DOES_NOTHING(name) \
    int name() { return 0; }

DOES_NOTHING(cuInit)
DOES_NOTHING(cuCtxSetCurrent)
DOES_NOTHING(cuDevicePrimaryCtxRetain)
DOES_NOTHING(cuFuncSetAttribute)
DOES_NOTHING(cuFuncSetCacheConfig)
DOES_NOTHING(cuLaunchCooperativeKernel)
DOES_NOTHING(cuLaunchKernel)
DOES_NOTHING(cuLinkAddData_v2)
DOES_NOTHING(cuLinkComplete)
DOES_NOTHING(cuLinkCreate_v2)
DOES_NOTHING(cuModuleGetFunction)
DOES_NOTHING(cuModuleLoad)
DOES_NOTHING(cuModuleLoadData)
DOES_NOTHING(cuModuleLoadDataEx)
DOES_NOTHING(cuModuleUnload)
DOES_NOTHING(cuTensorMapEncodeTiled)

int cuCtxGetCurrent(void **context) {
    *context = (void *)1;
    return 0;
}
int cuDeviceGet(int *device, int number) {
    *device = number;
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    const int processors = 16, major = 75, minor = 76;
    *value = attribute == processors ? 132 : attribute == major ? 9 : attribute == minor ? 0 : 1024;
    return 0;
}
int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    if (flags) *flags = 0;
    if (active) *active = 1;
    return 0;
}
int cuFuncGetAttribute(int *value, int attribute, void *function) {
    *value = 1024;
    return 0;
}
int cuGetErrorString(int code, const char **text) {
    *text = "error";
    return 0;
}
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, void *function, int block, unsigned long shared) {
    *n = 8;
    return 0;
}
int cuPointerGetAttribute(void *value, int attribute, unsigned long long pointer) {
    memset(value, 0, 4);
    return 0;
}
