"use strict";

const thrift = require("thrift");
const { Connection } = require("./client");
const { crc32 } = require("./crc32");
const { Declared, Person } = require("./gen/peer_types");

const TApplicationException = thrift.Thrift.TApplicationException;

/** Makes the calls that what names, and prints their results. */
async function run(port, what, threads, timeout, settings, args) {
  const connection = new Connection(port, timeout, settings);
  const service = settings.mux ? "Peer" : "";
  const call = (make) => describe(connection.call(service, make));
  switch (what) {
    case "executions":
      return print(await call((c) => c.executions()));
    case "idle":
      print(await call((c) => c.echo("before")));
      await new Promise((resolve) => setTimeout(resolve, 5000));
      return print(await call((c) => c.echo("after")));
    case "sleep":
      return print(await call((c) => c.sleep(Number(args[0]))));
    case "load":
      return load(call, threads, Number(args[0]));
    case "errors":
      for (const name of args) {
        print(await failing(connection, name));
      }
      return undefined;
    default:
      if (!/^\d+$/.test(what)) {
        throw new RangeError(`there is nothing to do of the name ${what}`);
      }
      return mixed(connection, settings.mux, Number(what), threads);
  }
}

/** Prints a result, marked so that it cannot be taken for a log line. */
function print(result) {
  console.log(`= ${result}`);
}

/** Makes the calls, some at a time, and prints their results in order. */
async function mixed(connection, mux, count, threads) {
  const lines = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      const n = next++;
      const service = mux ? ["Peer", "Second"][n % 2] : "";
      lines[n] = await describe(connection.call(service, (c) => numbered(c, n)));
    }
  };
  await Promise.all(Array.from({ length: threads }, one));
  lines.forEach((line, n) => print(`${n} ${line}`));
}

/** Makes one of the calls, by number, in a mix that repeats. */
function numbered(client, n) {
  const text = `call ${n}`;
  const large = thrift.fromBigInt(1n << 40n);
  switch (n % 16) {
    case 0: return client.echo(text);
    case 1: return client.echo(`grüße, 世界 😀 ${n}`);
    case 2: return client.echo("");
    case 3: return client.echo(`${String(n).padStart(6, "0")} `.repeat(10000));
    case 4: return client.person(person(n, ["first", "", "third"]));
    case 5: return client.texts([text, "", "ü"]);
    case 6: return client.table({ n: [n, -1, large], empty: [] });
    case 7: return client.bytes(Buffer.alloc(n % 160 === 7 ? 1 << 20 : 1000 + n, Buffer.from([0, 0xff, n % 256])));
    case 8: return client.add(n, large);
    case 9: return client.flag(n % 32 === 9, [1, -2, 300]);
    case 10: return client.noResult(text);
    case 11: return client.declared(text);
    case 12: return client.undeclared(text);
    case 13: return client.tell(text).then(() => "sent");
    case 14: return client.person(person(n));
    default: return client.missing(text);
  }
}

function person(n, friends) {
  const marks = { a: n, b: thrift.fromBigInt(-1n << 40n) };
  return new Person({ name: `person ${n}`, age: n, weight: n / 4, friends, marks });
}

/** Calls for some seconds without a pause, and prints how it went. */
async function load(call, threads, seconds) {
  const end = Date.now() + 1000 * seconds;
  const failures = [];
  let good = 0;
  const one = async (_, thread) => {
    for (let n = 0; Date.now() < end; n++) {
      const text = `load ${thread}/${n}`;
      const got = await call((c) => c.echo(text));
      if (got === text) {
        good++;
      } else {
        failures.push(got);
      }
    }
  };
  await Promise.all(Array.from({ length: threads }, one));
  print(`good ${good} failed ${failures.length}`);
  failures.forEach(print);
}

/**
 * Makes a call of a case, which is the name of its service, and tells what came of it:
 * the case, the exception's class, its type, the milliseconds, and the text.
 */
async function failing(connection, name) {
  const text = { "large-message": "x".repeat(2 << 20), "large-at-server": "x".repeat(10000) }[name] || name;
  const start = Date.now();
  try {
    return `${name}\tnone\t\t\t${await connection.call(name, (c) => c.echo(text))}`;
  } catch (e) {
    const type = e instanceof TApplicationException ? e.type : "";
    return `${name}\t${className(e)}\t${type}\t${Date.now() - start}\t${firstLine(e)}`;
  }
}

/** Tells what a call gave: its result, or its exception by class, type and text. */
async function describe(call) {
  let text;
  try {
    text = show(await call);
  } catch (e) {
    if (e instanceof Declared) {
      return `Declared ${e.code}: ${e.message}`;
    }
    if (e instanceof TApplicationException) {
      return `${className(e)} ${e.type}: ${firstLine(e)}`;
    }
    return `${className(e)}: ${firstLine(e)}`;
  }
  return text.length <= 200 ? text : `${text.length} characters, hash ${crc32(Buffer.from(text))}`;
}

/** The library's exceptions of a server are all of one class; they have its name. */
function className(e) {
  return e instanceof Error ? e.name : typeof e;
}

function firstLine(e) {
  return String(e instanceof Error ? e.message : e).split("\n")[0];
}

/** A value as all of the Thrift peers print it. */
function show(value) {
  if (value === null || value === undefined) {
    return "void";
  }
  if (value instanceof thrift.Int64) {
    return thrift.toBigInt(value).toString();
  }
  if (Buffer.isBuffer(value)) {
    return `${value.length} bytes, hash ${crc32(value)}`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(show).join(", ")}]`;
  }
  if (value instanceof Person) {
    const friends = value.friends === null ? "none" : show(value.friends);
    return `${value.name}/${value.age}/${value.weight.toFixed(2)}/${friends}/${show(value.marks)}`;
  }
  if (typeof value === "object") {
    return `{${Object.keys(value).sort().map((key) => `${key}=${show(value[key])}`).join(", ")}}`;
  }
  return String(value);
}

module.exports = { run };
