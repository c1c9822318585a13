// The versions of a summary, newest first, read when somebody compares them.
import { Failure, call } from "../api/client.ts";
import type { Summary, SummaryType } from "../types.ts";

interface VersionList {
  summaries: Summary[];
  total_summaries?: number;
  total_pages?: number;
}

export interface Versions {
  list: Summary[];
  total: number;
}

const LIMIT = 50;

export async function readVersions(
  id: string,
  type: SummaryType,
  page: number,
  signal: AbortSignal,
): Promise<Versions | Failure> {
  try {
    const path = `/chats/${encodeURIComponent(id)}/summaries`;
    const found = await call<VersionList>(path, { query: { page, limit: LIMIT, summary_type: type }, signal });
    return { list: found.summaries, total: found.total_summaries ?? found.summaries.length };
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
