/** Loads the panel's file: when it is first wanted, once, and nothing but the file that was built with this one. */

import type { PanelFile } from "../contract";

declare const VERSION: string;
declare const PANEL_INTEGRITY: string;

interface TrustedTypePolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const OFFERED = Symbol.for("hullo.panel");
let loading: Promise<PanelFile> | undefined;
let policy: { createScriptURL(url: string): string } | undefined;

/** Rejects where the file cannot be had; asked again, it is tried again. */
export function loadPanel(host: string, nonce: string): Promise<PanelFile> {
  return (loading ??= new Promise((loaded, failed) => {
    const script = document.createElement("script");
    // Between two releases the version stays and the file does not: browsers keep what has the same address.
    const address = `${host}/widget/${VERSION}/panel.js?${PANEL_INTEGRITY.slice(7, 15)}`;
    script.integrity = PANEL_INTEGRITY;
    script.crossOrigin = "anonymous";
    script.nonce = nonce;
    script.onload = () => loaded((window as unknown as Record<symbol, PanelFile>)[OFFERED]!);
    script.onerror = () => {
      loading = undefined;
      failed(address);
    };
    script.src = trusted(address);
    document.head.append(script);
  }));
}

/** The policy knows one address. A page that enforces Trusted Types names it: `trusted-types hullo`. */
function trusted(address: string): string {
  const { trustedTypes } = window as { trustedTypes?: TrustedTypePolicyFactory };
  if (!trustedTypes) return address;
  policy ??= trustedTypes.createPolicy("hullo", { createScriptURL: () => address });
  return policy.createScriptURL(address);
}
