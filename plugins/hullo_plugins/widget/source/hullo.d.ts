/** The public types of hullo's browser SDK. */

export type Scalar = string | number | boolean | null;

/** Who the visitor is: `POST /v1/identify`. At least `external_id`, `email`, `token` or `identity_token`. */
export interface Identity {
  external_id?: string | number;
  email?: string;
  name?: string | null;
  company?: string | null;
  phone?: string | null;
  avatar_url?: string | null;
  user_hash?: string;
  token?: string;
  identity_token?: string;
  custom_data?: Record<string, Scalar>;
  strict?: boolean;
  [attribute: string]: unknown;
}

export interface IdentifyAnswer {
  visitor_id: string | null;
  identified: boolean;
  standing: "claimed" | "proven" | null;
  switched: boolean;
  linked_conversations: number;
  rejected: { field: string; reason: string }[];
  request_id: string;
  contact_id?: string;
  matched_by?: string;
  written?: string[];
  kept?: { field: string; reason: string }[];
  conflicts?: { id: string; rule: string; field: string }[];
}
