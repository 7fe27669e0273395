/** A style sheet is its text, made small by the build: it goes into a constructable sheet. */
declare module "*.css" {
  const text: string;
  export default text;
}
