/** What the script's own element, or its address, says about how it is to run. */

export interface ScriptSettings {
  /** Undefined where the address does not tell: the script was copied to somewhere else. */
  readonly host: string | undefined;
  readonly appKey: string | undefined;
  readonly globalName: string;
  readonly functionName: string;
  readonly domains: string | undefined;
  readonly hopParameter: string | undefined;
  readonly consent: boolean | undefined;
  readonly locale: string | undefined;
  /** For the panel's script, on pages whose policy asks for one. */
  readonly nonce: string;
}

/** `/widget.js`, or of one version `/widget/0.2.0/widget.js`; hullo's prefix stands before it. */
const SERVED = /(?:\/widget\/[^/]+)?\/widget\.js$/;

/** Attributes (`data-app`) win over the address (`?app=`). */
export function readScript(): ScriptSettings {
  const script = ownScript();
  const address = script && new URL(script.src);
  const said = (name: string) =>
    script?.getAttribute(`data-${name}`) ?? address?.searchParams.get(name) ?? undefined;
  const consent = said("consent");
  return {
    host: said("host") ?? hostOf(address?.href.split(/[?#]/)[0]),
    appKey: said("app"),
    globalName: said("global") || "Hullo",
    functionName: said("function") || "hullo",
    domains: said("domains"),
    hopParameter: said("hop-parameter"),
    consent: consent === undefined ? undefined : consent !== "false",
    locale: said("locale"),
    nonce: script?.nonce ?? "",
  };
}

function hostOf(address = ""): string | undefined {
  return SERVED.test(address) ? address.replace(SERVED, "") : undefined;
}

/** Finds the element of this script.
 *
 * A module or a bundler leaves no current script. Other vendors call theirs `widget.js` too, so one of several counts
 * only where it alone names an app; a wrong guess would send the session to the other vendor. Undefined: the page
 * has to say the host.
 *
 * `<img name=currentScript>` stands in the place of the current script as well, and is no script.
 */
function ownScript(): HTMLScriptElement | undefined {
  const current: unknown = document.currentScript;
  if (current instanceof HTMLScriptElement && current.src) return current;
  const named = [...document.querySelectorAll("script")].filter(({ src }) => SERVED.test(src.split(/[?#]/)[0]!));
  const own = named[1] ? named.filter(({ dataset, src }) => dataset["app"] || src.includes("app=")) : named;
  return own[1] ? undefined : own[0];
}
