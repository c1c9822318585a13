// What the API sends, as the dashboard reads it. Fields that an older or newer server may lack are optional.

export type SummaryType = "brief" | "detailed";
export type Sentiment = "positive" | "neutral" | "negative";

export interface Message {
  seq: number;
  content: string;
  timestamp: string;
  user_id: string;
  message_id?: string;
  metadata?: Record<string, unknown>;
  edited_at?: string;
}

export interface MessagePage {
  conversation_id: string;
  messages: Message[];
  page?: number | null;
  total_pages?: number;
  limit: number;
  total_messages: number;
  next_cursor?: string | null;
  /** Both only where the page around one message was asked for. */
  previous_cursor?: string;
  preceding_messages?: number;
}

export interface Participant {
  user_id: string;
  message_count: number;
}

export interface LatestMessage {
  content: string;
  user_id: string;
  timestamp: string;
}

export interface ConversationRow {
  conversation_id: string;
  message_count: number;
  participant_count?: number;
  participants?: Participant[];
  last_message?: LatestMessage | null;
  first_at?: string | null;
  last_at?: string | null;
  sentiment?: Sentiment;
  sentiment_score?: number;
  ended?: boolean | string | null;
  stale_messages?: number;
  summary_version?: number | null;
  trend?: number[];
}

export interface ConversationList {
  conversations: ConversationRow[];
  page: number;
  total_pages?: number;
  total_conversations?: number;
}

export interface Due {
  date: string;
  words?: string;
}

export interface ActionItem {
  text: string;
  owner?: string | null;
  due?: Due | string | null;
  status?: "open" | "done" | "superseded";
  evidence?: number[];
}

export interface Finding {
  text: string;
  evidence?: number[];
}

export interface Covers {
  first_seq: number;
  last_seq: number;
  messages: number;
  digest?: string;
}

export interface Insights {
  sentiment?: Sentiment;
  sentiment_score?: number;
  keywords?: string[];
  action_items?: string[];
  action_item_details?: ActionItem[];
  decisions?: (Finding | string)[];
  open_questions?: (Finding | string)[];
  participants?: Participant[];
}

export interface Summary {
  conversation_id: string;
  summary: string;
  summary_type?: SummaryType;
  insights: Insights;
  generated_at: string;
  covers?: Covers;
  engine?: string;
  degraded?: boolean;
  version?: number;
  stale_messages?: number;
  trigger?: string;
}

export interface LiveInsights {
  message_count: number;
  participant_count?: number;
  participants?: Participant[];
  sentiment?: Sentiment;
  sentiment_score?: number;
  trend?: number[];
  keywords?: string[];
  stale_messages?: number;
}

export interface HistoryRow {
  conversation_id: string;
  last_message: string;
  timestamp: string;
  message_count?: number;
  latest?: LatestMessage;
}

export interface History {
  user_id: string;
  conversations: HistoryRow[];
  total_conversations: number;
  page: number;
  limit?: number;
}

export interface ErrorDetail {
  error: string;
  code: string;
  timestamp?: string;
  fields?: { path: string; error: string }[];
}
