#include "slurm_subject.hpp"

using namespace amdahl;
using namespace amdahl::conformance;

AMDAHL_ADAPTER_SUITE(SlurmCliSubject)
