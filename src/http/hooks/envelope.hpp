#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "amdahl/core/result.hpp"
#include "amdahl/http/message.hpp"

namespace amdahl::http::hooks {

/// What a body says. None of it is believed: it tells where to look, and what to keep.
struct Content {
  std::string id{};         ///< what the content itself is told apart by; empty = by `webhook-id`
  std::string kind{};       ///< `slurm.job.ended`; empty = unknown content
  std::string cluster{};    ///< that it claims to come from; empty = it claims none
  std::string native_id{};  ///< the scheduler's; empty = unknown
  std::string run_key{};    ///< empty = not one of ours
  nlohmann::json kept;      ///< without scripts, paths and environments
};

/// `{"type", "timestamp", "data"}`, or any other object, whose kind is then unknown.
core::Result<Content> read_envelope(std::string_view body);

/// CloudEvents 1.0 whose attributes are headers, `ce-id` and so on. Headers are not signed: the id
/// of such an event stays `webhook-id`.
core::Result<Content> read_binary_event(const Fields& headers, std::string_view body);
/// CloudEvents 1.0 as one JSON object, all of it signed: source and id tell it apart.
core::Result<Content> read_structured_event(std::string_view body);

/// What kubernetes-event-exporter posts: the envelope by a layout, or the event as it is.
core::Result<Content> read_exported_event(std::string_view body);

/// The record of Slurm's jobcomp/elasticsearch. A script that is not UTF-8 does not spoil it.
core::Result<Content> read_jobcomp(std::string_view body);

}  // namespace amdahl::http::hooks
