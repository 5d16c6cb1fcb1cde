#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "amdahl/scheduler_adapters/slurm.hpp"
#include "run_folders.hpp"
#include "slurm_run.hpp"
#include "slurm_transport.hpp"

namespace amdahl::scheduler_adapters {

/// Worker runs as Slurm jobs, through whatever transport.
class SlurmAdapter final : public Adapter {
 public:
  SlurmAdapter(SlurmOptions options, core::Clock& clock,
               std::unique_ptr<slurm::Transport> transport)
      : options_{std::move(options)}, clock_{clock}, transport_{std::move(transport)} {}

  std::string kind() const override { return "slurm"; }
  std::string cluster() const override { return options_.cluster; }
  Caps caps() const override {
    Caps caps;
    caps.quiet_period = options_.quiet_period;
    caps.tells_ends = true;
    caps.poll_interval = options_.poll_interval;
    return caps;
  }
  core::Result<Capacity> capacity() override;
  std::vector<Finding> examine() override { return transport_->examine(); }
  core::Result<void> validate(const core::RunSpec& spec) override;
  Submitted submit(const core::RunSpec& spec, std::chrono::milliseconds deadline) override;
  core::Result<void> release(const core::RunKey& key, const NativeRef& ref) override;
  Listing list() override;
  std::vector<FindResult> find(std::span<const core::RunKey> keys) override;
  std::optional<Observation> told_end(const core::RunKey& key, const nlohmann::json& told) override;
  Cancelled cancel(const core::RunKey& key, const NativeRef& ref, CancelMode mode) override;
  core::Result<std::string> fetch_result(const core::RunKey& key) override {
    return folders_.result(key);
  }
  core::Result<std::string> fetch_log(const core::RunKey& key, core::Arm arm, bool error_stream,
                                      std::size_t bytes_max) override {
    return folders_.log_end(key, arm, error_stream, bytes_max);
  }
  void acknowledge(const core::RunKey& key) override;

 private:
  core::Result<const std::vector<slurm::Node>*> nodes();
  core::Result<slurm::Records> recent_live();
  core::Result<std::optional<slurm::Job>> job_of(const core::RunKey& key, const NativeRef& ref);
  Submitted submit_again(const core::RunSpec& spec, core::BootTime end);
  Submitted send(const core::RunSpec& spec, core::BootTime end);
  bool is_ours(const slurm::Job& job, const std::set<std::string>& live) const;
  void list_forgotten(const std::set<std::string>& keys, Listing& listing) const;
  core::Result<std::set<std::string>> live_keys(Listing& listing) const;
  void give_up_hopeless(const slurm::Job& job, const Observation& seen);
  FindResult find_one(const core::RunKey& key, const core::Result<slurm::Records>& live,
                      const core::Result<slurm::Records>& history) const;
  std::chrono::seconds age_of(const std::filesystem::path& file) const;
  slurm::Patience patience() const {
    return {std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count(),
            std::chrono::ceil<std::chrono::seconds>(options_.result_grace)};
  }
  std::filesystem::path directory_of(const core::RunKey& key) const {
    return !folders_.is_live(key) && folders_.is_done(key) ? folders_.done(key)
                                                           : folders_.live(key);
  }

  SlurmOptions options_;
  core::Clock& clock_;
  std::unique_ptr<slurm::Transport> transport_;
  RunFolders folders_{options_.run_dir};
  std::string scope_ = slurm::scope_of(options_.run_dir);
  std::vector<slurm::Node> nodes_;
  std::optional<core::BootTime> nodes_at_;
  std::optional<slurm::Records> listed_;  ///< by the last listing, until something of ours changed
  core::BootTime listed_at_{0};
  std::set<std::string> claimed_before_;  ///< runs whose claim the listing before has shown
};

}  // namespace amdahl::scheduler_adapters
