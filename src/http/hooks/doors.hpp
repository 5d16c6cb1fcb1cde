#pragma once

#include <memory>
#include <string_view>

#include "amdahl/http/hooks.hpp"
#include "envelope.hpp"

namespace amdahl::http::hooks {

enum class Door { slurm, kubernetes, generic, slurm_es };
std::string_view name(Door door);

/// Proves who sent a request, reads it, has it stored, and answers when that is done.
class Intake {
 public:
  explicit Intake(HookOptions options) : options_{std::move(options)} {}

  void receive(Door door, const Call& call, const Respond& respond) const;
  /// The CloudEvents handshake: a sender asks whether it may post here.
  Response handshake(const Call& call) const;

 private:
  struct Refusal;
  struct Sender;
  Sender prove(Door door, const Call& call) const;
  Sender prove_signed(const Request& request) const;
  Sender prove_token(const Request& request, std::string_view token) const;
  void store(Door door, const Call& call, const Sender& sender, Content content,
             const Respond& respond) const;
  void note(std::string source, std::string_view result, std::optional<double> lag_s) const;

  HookOptions options_;
};

}  // namespace amdahl::http::hooks
