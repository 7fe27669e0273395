/** Every word that the panel says, in the languages that it speaks. */

export interface Texts {
  /** The heading, where the app has no name. */
  chat: string;
  close: string;
  messages: string;
  you: string;
  agent: string;
  write: string;
  send: string;
  /** `#` is the most that there may be. */
  tooLong: string;
  sending: string;
  queued: string;
  failed: string;
  again: string;
  newer: string;
  loading: string;
  notLoaded: string;
  greeting: string;
  invitation: string;
  offline: string;
  askEmail: string;
  email: string;
  leave: string;
  skip: string;
  notEmail: string;
  askConsent: string;
  agree: string;
  failure: string;
}

const en: Texts = {
  chat: "Chat",
  close: "Close chat",
  messages: "Messages",
  you: "You",
  agent: "Support",
  write: "Write a message",
  send: "Send",
  tooLong: "Too long to send. At most # characters.",
  sending: "Sending…",
  queued: "Waiting for the connection",
  failed: "Not sent",
  again: "Try again",
  newer: "New messages",
  loading: "Loading messages…",
  notLoaded: "The messages could not be loaded.",
  greeting: "How can we help?",
  invitation: "Write to us here, and the answer comes here too.",
  offline: "You are offline. What you write is sent when you are back.",
  askEmail: "Leave your email, so that the answer reaches you when you are away.",
  email: "Email",
  leave: "Save",
  skip: "Not now",
  notEmail: "That does not look like an email address.",
  askConsent: "To chat with you, this site keeps your messages and remembers this browser.",
  agree: "I agree",
  failure: "That did not work. Please try again.",
};

const de: Texts = {
  chat: "Chat",
  close: "Chat schließen",
  messages: "Nachrichten",
  you: "Sie",
  agent: "Support",
  write: "Nachricht schreiben",
  send: "Senden",
  tooLong: "Zu lang zum Senden. Höchstens # Zeichen.",
  sending: "Wird gesendet …",
  queued: "Wartet auf die Verbindung",
  failed: "Nicht gesendet",
  again: "Erneut versuchen",
  newer: "Neue Nachrichten",
  loading: "Nachrichten werden geladen …",
  notLoaded: "Die Nachrichten konnten nicht geladen werden.",
  greeting: "Wie können wir helfen?",
  invitation: "Schreiben Sie uns hier. Die Antwort kommt auch hier an.",
  offline: "Sie sind offline. Was Sie schreiben, wird gesendet, sobald Sie wieder verbunden sind.",
  askEmail: "Mit Ihrer E-Mail-Adresse erreicht Sie die Antwort, auch wenn Sie nicht mehr hier sind.",
  email: "E-Mail",
  leave: "Speichern",
  skip: "Jetzt nicht",
  notEmail: "Das sieht nicht wie eine E-Mail-Adresse aus.",
  askConsent: "Um mit Ihnen zu chatten, speichert diese Website Ihre Nachrichten und merkt sich diesen Browser.",
  agree: "Ich stimme zu",
  failure: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
};

const fr: Texts = {
  chat: "Discussion",
  close: "Fermer la discussion",
  messages: "Messages",
  you: "Vous",
  agent: "Assistance",
  write: "Écrire un message",
  send: "Envoyer",
  tooLong: "Trop long pour être envoyé. # caractères au maximum.",
  sending: "Envoi…",
  queued: "En attente de connexion",
  failed: "Non envoyé",
  again: "Réessayer",
  newer: "Nouveaux messages",
  loading: "Chargement des messages…",
  notLoaded: "Les messages n’ont pas pu être chargés.",
  greeting: "Comment pouvons-nous vous aider ?",
  invitation: "Écrivez-nous ici : la réponse arrivera ici aussi.",
  offline: "Vous êtes hors ligne. Vos messages partiront dès votre retour en ligne.",
  askEmail: "Laissez votre e-mail pour recevoir la réponse même en votre absence.",
  email: "E-mail",
  leave: "Enregistrer",
  skip: "Pas maintenant",
  notEmail: "Cela ne ressemble pas à une adresse e-mail.",
  askConsent: "Pour discuter avec vous, ce site conserve vos messages et mémorise ce navigateur.",
  agree: "J’accepte",
  failure: "Cela n’a pas fonctionné. Veuillez réessayer.",
};

const es: Texts = {
  chat: "Chat",
  close: "Cerrar el chat",
  messages: "Mensajes",
  you: "Usted",
  agent: "Soporte",
  write: "Escriba un mensaje",
  send: "Enviar",
  tooLong: "Demasiado largo para enviarlo. Máximo: # caracteres.",
  sending: "Enviando…",
  queued: "Esperando la conexión",
  failed: "No enviado",
  again: "Reintentar",
  newer: "Mensajes nuevos",
  loading: "Cargando los mensajes…",
  notLoaded: "No se han podido cargar los mensajes.",
  greeting: "¿Cómo podemos ayudarle?",
  invitation: "Escríbanos aquí. La respuesta también llegará aquí.",
  offline: "No tiene conexión. Lo que escriba se enviará cuando la recupere.",
  askEmail: "Deje su correo para que la respuesta le llegue aunque ya no esté aquí.",
  email: "Correo electrónico",
  leave: "Guardar",
  skip: "Ahora no",
  notEmail: "Eso no parece una dirección de correo.",
  askConsent: "Para chatear con usted, este sitio guarda sus mensajes y recuerda este navegador.",
  agree: "Acepto",
  failure: "No ha funcionado. Inténtelo de nuevo.",
};

const ar: Texts = {
  chat: "المحادثة",
  close: "إغلاق المحادثة",
  messages: "الرسائل",
  you: "أنت",
  agent: "الدعم",
  write: "اكتب رسالة",
  send: "إرسال",
  tooLong: "الرسالة أطول من أن تُرسل. الحد الأقصى لعدد الأحرف: #.",
  sending: "جارٍ الإرسال…",
  queued: "في انتظار الاتصال",
  failed: "لم تُرسل",
  again: "إعادة المحاولة",
  newer: "رسائل جديدة",
  loading: "جارٍ تحميل الرسائل…",
  notLoaded: "تعذّر تحميل الرسائل.",
  greeting: "كيف يمكننا مساعدتك؟",
  invitation: "اكتب لنا هنا، وسيصلك الرد هنا أيضًا.",
  offline: "أنت غير متصل بالإنترنت. سيُرسل ما تكتبه عند عودة الاتصال.",
  askEmail: "اترك بريدك الإلكتروني ليصلك الرد حتى بعد مغادرتك.",
  email: "البريد الإلكتروني",
  leave: "حفظ",
  skip: "ليس الآن",
  notEmail: "لا يبدو هذا عنوان بريد إلكتروني.",
  askConsent: "للدردشة معك، يحتفظ هذا الموقع برسائلك ويتذكر هذا المتصفح.",
  agree: "أوافق",
  failure: "لم ينجح ذلك. يُرجى المحاولة مرة أخرى.",
};

const LANGUAGES: Record<string, Texts> = { en, de, fr, es, ar };
const RIGHT_TO_LEFT = ["ar"];

export interface Language {
  readonly texts: Texts;
  readonly dir: "ltr" | "rtl";
  /** For dates and numbers: the language of the words, the customs of the visitor's country. */
  readonly locale: string;
}

/** English for whoever asks for a language that is not there, or for something that is no language. */
export function languageOf(locale: string): Language {
  const asked = understood(locale);
  const language = asked.language in LANGUAGES ? asked.language : "en";
  const { region } = asked.maximize();
  return {
    texts: LANGUAGES[language]!,
    dir: RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr",
    locale: language === asked.language ? asked.toString() : new Intl.Locale(language, region ? { region } : {}).toString(),
  };
}

function understood(locale: string): Intl.Locale {
  try {
    return new Intl.Locale(locale.replace(/_/g, "-"));
  } catch {
    return new Intl.Locale("en");
  }
}
