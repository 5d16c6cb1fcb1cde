# Enables the CUDA language, or says what is missing. The CPU path is always built beside it.
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR
    "AMDAHL_CUDA is ON and no CUDA compiler was found.\n"
    "  Missing: nvcc (CUDA 12 or newer). Debian 12 (main) has none.\n"
    "  Either install NVIDIA's toolkit and put nvcc on PATH, or name it:\n"
    "    cmake --preset cuda -DCMAKE_CUDA_COMPILER=/path/to/nvcc\n"
    "  or build without CUDA: every result is the same, only slower.")
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90)
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 knows no flag of nvcc 13 for 20
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION} for sm ${CMAKE_CUDA_ARCHITECTURES}")
