// Scores a batch: the nearest prototype of each image, one thread an image. Then holds the GPU
// until the step has taken `hold_ns`, as the classifier is far too small to keep one busy.
//
// score.ptx is made from this file. No instruction is younger than PTX 6.4, so an older driver may
// load it:
//   nvcc -ptx -arch=compute_75 score.cu -o - | sed 's/^\.version .*/.version 6.4/' > score.ptx

constexpr int pixels_per_image = 64;

static __device__ unsigned long long nanoseconds() {
  unsigned long long now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

extern "C" __global__ void score(const unsigned char* pixels, const int* weights, const int* biases,
                                 int* best, int images, int prototypes,
                                 unsigned long long hold_ns) {
  const unsigned long long begun = nanoseconds();
  const int image = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (image < images) {
    int top = 0;
    int top_score = 0;
    for (int prototype = 0; prototype < prototypes; ++prototype) {
      int sum = biases[prototype];
      for (int pixel = 0; pixel < pixels_per_image; ++pixel) {
        sum += weights[prototype * pixels_per_image + pixel] *
               pixels[image * pixels_per_image + pixel];
      }
      if (prototype == 0 || sum > top_score) {
        top = prototype;
        top_score = sum;
      }
    }
    best[image] = top;
  }
  while (nanoseconds() - begun < hold_ns) {
  }
}
