#include "verifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "amdahl/core/sha256.hpp"

namespace amdahl::ledger {
namespace {

// What migration 0001 puts into a ledger before there is any event.
constexpr std::string_view fresh_total =
    R"({"loop_id": 1, "spent_gpu_us": 0, "banked_gpu_us": 0, "clawed_back_gpu_us": 0})";
constexpr std::string_view fresh_stream =
    R"({"cap": 0.01, "wins": 0, "alpha": 0.1, "next_t": 1, "horizon": 500, "stream_id": 1, )"
    R"("gamma_rule": "e-LOND, half LORD half uniform"})";

constexpr auto nibbles = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 16; ++i) {
    values[static_cast<unsigned char>("0123456789abcdef"[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}();

int nibble(char c) { return nibbles[static_cast<unsigned char>(c)]; }

std::optional<std::array<std::uint8_t, 32>> digest_from(std::string_view hex) {
  std::array<std::uint8_t, 32> out{};
  if (hex.size() != 64) return {};
  for (std::size_t i = 0; i < 32; ++i) {
    const int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return out;
}

// `text` is scratch: history has many events.
std::array<std::uint8_t, 32> hash_of(const std::array<std::uint8_t, 32>& previous,
                                     const ChainEvent& event, std::string& text) {
  text.assign(previous.begin(), previous.end());
  fmt::format_to(std::back_inserter(text), "{}\n{}\n{}\n{}\n{}\n", event.seq, event.fence,
                 event.kind, event.ref, event.at);
  text += event.payload;
  return core::sha256(text);
}

}  // namespace

Verifier::Verifier() {
  sealed_.at("loop_total/1") = {core::sha256(fresh_total)};
  sealed_.at("fdr_stream/1") = {core::sha256(fresh_stream)};
  head_said_ = {{"fence", "0"},       {"term", "null"},    {"holder", "\"\""},
                {"released", "true"}, {"paused", "false"}, {"paused_reason", "\"\""}};
}

Verifier::Verifier(const Verification& earlier) : chain_only_{true}, seq_{earlier.events} {
  std::copy_n(earlier.head_hash.begin(), std::min<std::size_t>(32, earlier.head_hash.size()),
              hash_.begin());
}

void Verifier::fail(FirstBad bad) {
  if (!bad_) bad_ = std::move(bad);
}

void Verifier::head(const RowText& row) {
  for (const auto& [name, value] : row.members()) head_[std::string{name}] = value;
}

void Verifier::event(const ChainEvent& event) {
  if (bad_) return;
  const auto wrong = [&](std::string problem) {
    fail({event.seq, "event", std::to_string(event.seq), std::move(problem)});
  };
  if (event.seq != seq_ + 1) {
    return wrong(event.seq > seq_ ? fmt::format("event {} is missing", seq_ + 1)
                                  : fmt::format("event {} stands twice", event.seq));
  }
  if (digest_from(event.prev_hash) != hash_) return wrong("it does not follow the event before it");
  const auto hash = hash_of(hash_, event, scratch_);
  if (digest_from(event.hash) != hash) return wrong("its hash is not that of its content");
  seq_ = event.seq;
  hash_ = hash;
  if (chain_only_) return;
  if (event.kind == "rows_changed") {
    fold(event);
  } else {
    fold_head(event);
  }
}

void Verifier::fold(const ChainEvent& event) {
  const auto payload = RowText::parse(event.payload);
  if (!payload)
    return fail({event.seq, "event", std::to_string(event.seq), "its seals are no JSON"});
  for (const auto& [name, value] : payload->members()) {
    const auto digest = value.size() == 66 ? digest_from(value.substr(1, 64)) : std::nullopt;
    if (!digest) {
      return fail({event.seq, "event", std::to_string(event.seq), "a seal of it is no digest"});
    }
    sealed_.at(name) = {*digest, event.seq};
  }
}

void Verifier::fold_head(const ChainEvent& event) {
  const bool acquired = event.kind == "lease_acquired";
  const bool paused = event.kind == "loop_paused";
  if (event.kind == "lease_released") head_said_["released"] = "true";
  if (!acquired && !paused && event.kind != "loop_resumed") return;
  const auto payload = RowText::parse(event.payload);
  if (!payload) return;
  if (acquired) {
    head_said_["fence"] = std::to_string(event.fence);
    head_said_["term"] = payload->raw("term");
    head_said_["holder"] = payload->raw("holder");
    head_said_["released"] = "false";
  } else {
    head_said_["paused"] = paused ? "true" : "false";
    head_said_["paused_reason"] = paused ? payload->raw("reason") : "\"\"";
  }
}

void Verifier::compare(std::string_view table, const std::string& key, const Digest& digest) {
  scratch_.assign(table).append(1, '/').append(key);
  auto* sealed = sealed_.find(scratch_);
  if (sealed == nullptr) {
    return fail({std::nullopt, std::string{table}, key, "no stage wrote this row"});
  }
  if (sealed->seen) return fail({sealed->seq, std::string{table}, key, "the row stands twice"});
  sealed->seen = true;
  if (sealed->digest != digest) {
    fail({sealed->seq, std::string{table}, key,
          fmt::format("the row is not the one that event {} sealed", sealed->seq)});
  }
}

void Verifier::row(std::string_view table, std::string_view text) {
  if (bad_) return;
  const auto* known = table_named(table);
  if (known != nullptr && !known->chained) {
    if (!table.starts_with("accounting_")) return;
    const auto row = RowText::parse(text);
    if (!row) return fail({std::nullopt, std::string{table}, "", "a row that cannot be read"});
    return accounting_.add(table, *row);
  }
  finish_head();  // the last event stands before the first row
  if (bad_) return;
  const auto row = RowText::parse(text);
  const auto key = row ? row_key(table, *row) : std::nullopt;
  if (!key) return fail({std::nullopt, std::string{table}, "", "a row that cannot be read"});
  compare(table, *key, core::sha256(text));
  if (bad_) return;
  if (auto problem = recount_.add(table, *row); !problem.empty()) {
    fail({std::nullopt, std::string{table}, *key, std::move(problem)});
  }
}

void Verifier::hidden_row(std::int64_t experiment, std::string_view digest) {
  if (bad_) return;
  const auto key = std::to_string(experiment);
  compare("experiment_salt", key, digest_from(digest).value_or(Digest{}));
  // The same fault has one name, whoever looks: whether the salt may be read or not.
  if (!bad_ && !recount_.knows(experiment))
    fail({std::nullopt, "experiment_salt", key, "a salt of no experiment"});
}

void Verifier::finish_head() {
  if (head_proved_) return;
  head_proved_ = true;
  const auto said = [&](std::string_view name) {
    const auto found = head_.find(name);
    return found == head_.end() ? std::string_view{} : std::string_view{found->second};
  };
  const auto hash = "\"\\\\x" + core::hex(hash_) + "\"";
  if (said("head_seq") != std::to_string(seq_) || said("head_hash") != hash) {
    return fail({seq_, "loop_head", "1", "the head is not the last event"});
  }
  for (const auto& [name, value] : head_said_) {
    if (said(name) != value) {
      return fail({seq_, "loop_head", "1",
                   fmt::format("{} is {}, the events say {}", name, said(name), value)});
    }
  }
}

Verification Verifier::finish() {
  if (!bad_) finish_head();
  if (!bad_ && !chain_only_) {
    if (const auto missing = sealed_.first_unseen()) {
      const auto slash = missing->name.find('/');
      fail({missing->seq, missing->name.substr(0, slash), missing->name.substr(slash + 1),
            fmt::format("the row that event {} sealed is missing", missing->seq)});
    } else if (auto fault = recount_.finish()) {
      fail({std::nullopt, fault->table, fault->key, fault->problem});
    } else if (auto sums = accounting_.finish()) {
      fail(std::move(*sums));
    }
  }
  return {seq_, std::string{hash_.begin(), hash_.end()}, bad_};
}

}  // namespace amdahl::ledger
