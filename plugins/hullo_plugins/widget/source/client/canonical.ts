/** Whether two identities are the same one, now and after the next page load. */

/** The same text for the same values, in whatever order their keys come. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );
}

/** SHA-256; undefined where the page is not served securely, and has none. */
export async function digest(text: string): Promise<string | undefined> {
  const made = await globalThis.crypto?.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  return made && hexadecimal(new Uint8Array(made));
}

/** For a message that is sent for the first time. `randomUUID` is for secure pages alone. */
export function newId(): string {
  return hexadecimal(crypto.getRandomValues(new Uint8Array(16)));
}

function hexadecimal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
