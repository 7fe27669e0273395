/** Where in the thread the reader is. At its end they see what comes; elsewhere nothing moves under their eyes. */

export interface Place {
  readonly atEnd: boolean;
  toEnd(): void;
  /** Lets the content change, and leaves what is read where it was. */
  keep(change: () => void): void;
}

/** So near to the end is at the end: a finger does not hit it. */
const NEAR = 48;

export function createPlace(scroller: HTMLElement, lines: HTMLElement, moved: () => void): Place {
  let atEnd = true;

  function stick(): void {
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  scroller.addEventListener(
    "scroll",
    () => {
      const was = atEnd;
      atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
      if (atEnd !== was) moved();
    },
    { passive: true },
  );
  // The keyboard comes, the composer grows, a message is added: before any of it is painted.
  const observer = new ResizeObserver(stick);
  observer.observe(scroller);
  observer.observe(scroller.firstElementChild!);

  return {
    get atEnd() {
      return atEnd;
    },
    toEnd() {
      atEnd = true;
      stick();
      moved();
    },
    keep(change) {
      const top = scroller.scrollTop;
      const read = atEnd ? undefined : [...lines.children].find((each) => below(each as HTMLElement, top));
      const before = read && (read as HTMLElement).offsetTop;
      change();
      if (read?.isConnected) scroller.scrollTop = top + (read as HTMLElement).offsetTop - before!;
    },
  };
}

function below(element: HTMLElement, top: number): boolean {
  return element.offsetTop + element.offsetHeight > top;
}
