/** Whether two identities are the same one, now and after the next page load. */

/** The same text for the same values, in whatever order their keys come. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );
}

/** SHA-256 in hexadecimal; undefined where the page is not served securely, and has none. */
export async function digest(text: string): Promise<string | undefined> {
  const bytes = await globalThis.crypto?.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  return bytes && [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** For a message that is sent for the first time. */
export function newId(): string {
  // `randomUUID` is for secure pages alone.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
