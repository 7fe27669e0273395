/** Times and days, as the visitor writes them, in the language of the words around them. */

export interface Dates {
  time(at: number): string;
  /** Today, yesterday, or the day by its name. */
  day(at: number): string;
}

export function datesOf(locale: string): Dates {
  const time = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  const near = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const thisYear = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
  const before = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });
  return {
    time: (at) => time.format(at),
    day(at) {
      const today = new Date();
      const ago = Math.round((midnight(+today) - midnight(at)) / 86_400_000);
      if (ago === 0 || ago === 1) return capital(near.format(-ago, "day"), locale);
      const format = new Date(at).getFullYear() === today.getFullYear() ? thisYear : before;
      return capital(format.format(at), locale);
    },
  };
}

/** The same for every moment of a day, by the visitor's own clock. */
export function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

function capital(text: string, locale: string): string {
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}
