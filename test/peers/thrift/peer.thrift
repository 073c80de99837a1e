// The service that all Thrift peers of the tests have, as clients and as servers.

namespace go peer
namespace py peer
namespace java dev.meltemi.peer.thrift
namespace js peer

struct Person {
  1: string name
  2: i32 age
  3: double weight
  4: optional list<string> friends
  5: map<string, i64> marks
}

exception Declared {
  1: string message
  2: i32 code
}

service Peer {
  string echo(1: string text)
  Person person(1: Person person)
  list<string> texts(1: list<string> texts)
  map<string, list<i64>> table(1: map<string, list<i64>> table)
  binary bytes(1: binary data)
  i64 add(1: i32 a, 2: i64 b)
  bool flag(1: bool value, 2: set<i16> numbers)
  void noResult(1: string text)
  string declared(1: string text) throws (1: Declared error)

  // The server throws an exception that the IDL does not declare.
  string undeclared(1: string text)

  // "oneway" is a word of the language.
  oneway void tell(1: string text)

  // How often each method ran, this one aside.
  map<string, i32> executions()

  string sleep(1: i32 milliseconds)
}

// The second name of a multiplexed server.
service Second extends Peer {}

// What clients call and no server has: the answer is an UNKNOWN_METHOD of its library.
service Later extends Peer {
  string missing(1: string text)
}
