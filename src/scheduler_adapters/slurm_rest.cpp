#include "slurm_transport.hpp"

namespace amdahl::scheduler_adapters::slurm {
std::unique_ptr<Transport> make_rest_transport(const SlurmOptions& options, core::Clock& clock) {
  return make_cli_transport(options, clock);  // placeholder, next step
}
}  // namespace amdahl::scheduler_adapters::slurm
