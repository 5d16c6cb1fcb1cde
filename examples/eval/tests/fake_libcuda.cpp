// A CUDA driver of GPUs that are not there: memory is the host's, and the kernel is score.cu
// itself, compiled for the host. As many GPUs as CUDA_VISIBLE_DEVICES names, at most FAKE_GPUS.
#include <cstdlib>
#include <cstring>

struct Index {
  unsigned x;
};
static Index blockIdx, blockDim, threadIdx;
#define __device__
#define __global__
#include "score_host.inc"

static bool entered = false;

extern "C" {
int cuInit(unsigned) { return std::getenv("FAKE_BROKEN") ? 999 : 0; }
int cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_UNKNOWN";
  return 0;
}
int cuDeviceGetCount(int* count) {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const int present = std::atoi(std::getenv("FAKE_GPUS"));
  int named = 0;
  // As the real one: everything from the first unknown number on is hidden.
  for (const char* at = visible; at && *at && std::atoi(at) < present;) {
    ++named;
    at = std::strchr(at, ',');
    if (at) ++at;
  }
  *count = visible ? named : present;
  return 0;
}
int cuDeviceGet(int* device, int number) {
  *device = number;
  return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
  *context = reinterpret_cast<void*>(0x700000001000L + device);
  return 0;
}
int cuCtxSetCurrent(void* context) {
  entered = reinterpret_cast<long>(context) >= 0x700000001000L;
  return entered ? 0 : 201;
}
int cuModuleLoadData(void** module, const char* image) {
  *module = reinterpret_cast<void*>(0x700000002000L);
  return std::strstr(image, ".entry score(") ? 0 : 218;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
  *function = reinterpret_cast<void*>(0x700000003000L);
  const bool known = module == reinterpret_cast<void*>(0x700000002000L);
  return known && !std::strcmp(name, "score") ? 0 : 500;
}
int cuMemAlloc_v2(unsigned long long* memory, std::size_t size) {
  *memory = reinterpret_cast<unsigned long long>(std::malloc(size));
  return entered ? 0 : 201;
}
int cuMemAllocHost_v2(void** memory, std::size_t size) {
  *memory = std::malloc(size);
  return 0;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, std::size_t size) {
  std::memcpy(reinterpret_cast<void*>(to), from, size);
  return 0;
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, std::size_t size) {
  std::memcpy(to, reinterpret_cast<void*>(from), size);
  return 0;
}
int cuCtxSynchronize() { return 0; }
int cuLaunchKernel(void* function, unsigned blocks, unsigned y, unsigned z, unsigned threads,
                   unsigned ty, unsigned tz, unsigned shared, void* stream, void** values, void**) {
  if (function != reinterpret_cast<void*>(0x700000003000L) || y * z * ty * tz != 1 || shared ||
      stream || !entered) {
    return 1;
  }
  const auto held = *static_cast<unsigned long long*>(values[6]);
  if (held == 0 || held > 1000000000ULL) return 1;
  blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
    for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) {
      score(*static_cast<const unsigned char**>(values[0]), *static_cast<const int**>(values[1]),
            *static_cast<const int**>(values[2]), *static_cast<int**>(values[3]),
            *static_cast<int*>(values[4]), *static_cast<int*>(values[5]), 0);
    }
  }
  return 0;
}
}
