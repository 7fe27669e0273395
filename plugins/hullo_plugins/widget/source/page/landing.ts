/** Where a link with an identity leads: the token is out of the address bar and the history before other scripts run. */

import { withoutParameters } from "./address";

/** The token that the address carries; undefined where it carries none. `name`: how the site calls the parameter. */
export function takeHop(name = "hullo_identity"): string | undefined {
  const names = [name, "hullo_identity", "convot_identity"];
  const parameters = new URLSearchParams(location.search);
  const clean = withoutParameters(location.href, names);
  try {
    if (clean !== location.href) history.replaceState(history.state, "", clean);
  } catch {
    // A sandboxed document may not: its address is nobody's to read either.
  }
  return names.flatMap((each) => parameters.getAll(each)).find(Boolean);
}
