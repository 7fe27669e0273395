/** How much of the screen the panel has: on a phone all of it that the keyboard leaves. */

const SMALL = matchMedia("(max-width: 480px), (max-height: 420px)");

/** Whether the panel covers the page. */
export function covers(): boolean {
  return SMALL.matches;
}

/** Tells the style sheet what is visible, which on some phones it cannot know; calls `changed` when the page is covered, or is no more. */
export function followScreen(element: HTMLElement, changed: () => void): void {
  const seen = window.visualViewport;
  SMALL.addEventListener("change", changed);
  if (!seen) return;
  const measure = () => {
    // Whoever magnifies the page sees less of it, and wants the panel as large as before.
    const magnified = seen.scale > 1.01;
    element.style.setProperty("--from", magnified ? "0px" : `${seen.offsetTop}px`);
    element.style.setProperty("--seen", magnified ? "100%" : `${seen.height}px`);
  };
  seen.addEventListener("resize", measure);
  seen.addEventListener("scroll", measure);
  measure();
}
