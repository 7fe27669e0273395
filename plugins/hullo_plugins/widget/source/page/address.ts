/** The parameter that carries an identity: put into an address, and taken out of it. All else stays byte for byte. */

/** The address with the parameter, and without what it had under that name before. */
export function withParameter(address: string, name: string, value: string): string {
  const [path, query, hash] = split(address);
  const kept = query.split("&").filter((pair) => pair && !carries(pair, [name]));
  return `${path}?${[...kept, new URLSearchParams([[name, value]])].join("&")}${hash}`;
}

/** The address without any of the parameters. */
export function withoutParameters(address: string, names: readonly string[]): string {
  const [path, query, hash] = split(address);
  if (!carries(query, names)) return address;
  const kept = query.split("&").filter((pair) => !carries(pair, names));
  return path + (kept.length ? `?${kept.join("&")}` : "") + hash;
}

function split(address: string): [path: string, query: string, hash: string] {
  return /^([^?#]*)\??([^#]*)(.*)$/s.exec(address)!.slice(1) as [string, string, string];
}

function carries(query: string, names: readonly string[]): boolean {
  const parameters = new URLSearchParams(query);
  return names.some((name) => parameters.has(name));
}
