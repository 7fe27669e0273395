/** Which addresses may be given the visitor's identity. Whatever is not plainly listed may not. */

/** The link's address, where it leads to one of the listed origins that is not the page's own. */
export function listed(address: string, domains: readonly string[]): URL | undefined {
  const url = parsed(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return;
  if (url.origin === location.origin || !domains.some((domain) => covers(domain, url))) return;
  return url;
}

/** `help.example.com` alone means https; `https://*.example.com` every name below, of that scheme and port. */
function covers(domain: string, url: URL): boolean {
  const listed = parsed((domain.includes("://") ? domain : `https://${domain}`).replace("//*.", "//any."));
  if (!/\*\.\w/.test(domain)) return listed?.origin === url.origin;
  return (
    listed?.protocol === url.protocol &&
    listed.port === url.port &&
    url.hostname.endsWith(listed.hostname.slice("any".length))
  );
}

/** Words with commas or spaces between them, as an attribute has them. */
export function domainsIn(given: string | readonly string[] = ""): string[] {
  return [given].flat().join(" ").split(/[\s,]+/).filter(Boolean);
}

function parsed(address: string): URL | undefined {
  try {
    return new URL(address);
  } catch {
    return;
  }
}
