// The least that can take webhooks: reads a request, executes one statement, answers 202. No
// signature, no HTTP beyond its end, no bound: what it costs is what no service on this ledger can
// be without.
//
//     bench_least_service URL STATEMENT
//
// Listens on loopback and prints its port. Ends when its standard input does.
#include <arpa/inet.h>
#include <libpq-fe.h>  // tidy: allow(library-home): nothing of ours may be between
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

namespace {

constexpr std::string_view answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

struct Client {
  int socket = -1;
  PGconn* ledger = nullptr;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "least_service: %s\n", what);
  std::exit(1);
}

int listen_on_loopback() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, any, size) != 0 || ::listen(listener, 64) != 0 ||
      ::getsockname(listener, any, &size) != 0)
    fail("cannot listen");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

// A connection to the ledger for each client, as the fastest way: nothing waits for another's
// commit.
Client admit(int listener, const char* url, const char* statement) {
  Client client{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), PQconnectdb(url)};
  const int one = 1;
  ::setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  PQclear(PQprepare(client.ledger, "put", statement, 0, nullptr));
  if (PQstatus(client.ledger) != CONNECTION_OK || PQsetnonblocking(client.ledger, 1) != 0)
    fail(PQerrorMessage(client.ledger));
  return client;
}

// False: it has gone.
bool take_request(const Client& client) {
  static std::array<char, 65536> request;
  if (::read(client.socket, request.data(), request.size()) <= 0) return false;
  PQsendQueryPrepared(client.ledger, "put", 0, nullptr, nullptr, nullptr, 0);
  PQflush(client.ledger);
  return true;
}

void take_answer(const Client& client) {
  PQconsumeInput(client.ledger);
  if (PQisBusy(client.ledger) != 0) return;
  bool done = false;
  while (PGresult* result = PQgetResult(client.ledger)) {
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail(PQresultErrorMessage(result));
    PQclear(result);
    done = true;
  }
  if (done && ::write(client.socket, answer.data(), answer.size()) < 0) fail("cannot answer");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) fail("use: bench_least_service URL STATEMENT");
  const int listener = listen_on_loopback(), waiting = ::epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [&](int descriptor) {
    epoll_event event{EPOLLIN, {.fd = descriptor}};
    ::epoll_ctl(waiting, EPOLL_CTL_ADD, descriptor, &event);
  };
  watch(listener);
  watch(STDIN_FILENO);
  std::map<int, Client> clients;  // by either of their descriptors
  for (epoll_event event{}; ::epoll_wait(waiting, &event, 1, -1) == 1;) {
    const int ready = event.data.fd;
    if (ready == STDIN_FILENO) return 0;
    if (ready == listener) {
      const auto client = admit(listener, argv[1], argv[2]);
      for (const int each : {client.socket, PQsocket(client.ledger)}) {
        clients[each] = client;
        watch(each);
      }
      continue;
    }
    const auto client = clients.at(ready);
    if (ready != client.socket) {
      take_answer(client);
    } else if (!take_request(client)) {
      clients.erase(client.socket);
      clients.erase(PQsocket(client.ledger));
      ::close(client.socket);
      PQfinish(client.ledger);
    }
  }
}
