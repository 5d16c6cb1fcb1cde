#pragma once

#include <string_view>

#include "amdahl/http/message.hpp"

namespace amdahl::http {

/// Without those blanks around it that HTTP knows: whoever trims more reads another word than
/// others.
std::string_view without_blanks(std::string_view text);

/// Why one cannot say where the body of this request ends as every other reader would (RFC 9112
/// §6); empty where one can. Of the transfer codings `chunked` is known, alone and sent once.
/// `version` is 11 for HTTP/1.1, names of headers are in lower case.
std::string_view framing_problem(const Fields& headers, unsigned version);

/// Whether the body is sent as it is: no Content-Encoding, or none but `identity`.
bool is_plain(const Fields& headers);

}  // namespace amdahl::http
