// The wire under the client: addresses, the token, and problem documents turned back into errors.
import { HTTP_STATUS, type ErrorCode } from "../errors.js";
import { problemSchema, type Problem } from "../models/problem.js";

export interface ConnectionOptions {
  /** The service's address, such as `http://127.0.0.1:8080`. */
  url: string;
  /** A bearer token. */
  token?: string;
}

export type Query = Record<string, string | number | boolean | undefined>;

/** What else a request may carry. */
export interface Extras {
  query?: Query;
  /** Those without a value are left out. */
  headers?: Record<string, string | undefined>;
  signal?: AbortSignal | undefined;
  /** Statuses that are no failure beside those of success. */
  alsoOk?: number[];
}

/** What the service answered instead of what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The kind of fault, as the service's own code names it. */
  readonly code: ErrorCode;

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail);
    const codes = Object.keys(HTTP_STATUS) as ErrorCode[];
    this.code = codes.find((code) => HTTP_STATUS[code] === status) ?? "internal";
  }
}

async function toError(response: Response): Promise<ApiError> {
  const text = await response.text();
  const { status } = response;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not from the service itself: a proxy's page, perhaps.
  }
  const parsed = problemSchema.safeParse(body);
  const fallback = {
    type: "about:blank",
    title: response.statusText,
    status,
    code: "unknown",
    instance: "",
    errors: [],
  };
  return new ApiError(status, parsed.data ?? { ...fallback, detail: text.slice(0, 500) || `HTTP ${status}` });
}

export class Connection {
  private readonly root: string;

  constructor(private readonly options: ConnectionOptions) {
    this.root = `${options.url.replace(/\/+$/, "")}/api/v1`;
  }

  /** One request; rejects with an ApiError unless the answer is a success. */
  async request(method: string, path: string, body?: unknown, extras: Extras = {}): Promise<Response> {
    const { query = {}, signal } = extras;
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      given.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    const headers = new Headers();
    for (const [name, value] of Object.entries(extras.headers ?? {})) if (value !== undefined) headers.set(name, value);
    if (this.options.token !== undefined) headers.set("Authorization", `Bearer ${this.options.token}`);
    const isForm = body instanceof FormData;
    if (body !== undefined && !isForm) headers.set("Content-Type", "application/json");
    const response = await fetch(`${this.root}${path}${search && `?${search}`}`, {
      method,
      headers,
      body: body === undefined ? null : isForm ? body : JSON.stringify(body),
      signal: signal ?? null,
    });
    if (!response.ok && !extras.alsoOk?.includes(response.status)) throw await toError(response);
    return response;
  }

  /** A request whose answer is JSON, or nothing. */
  async send<T>(method: string, path: string, body?: unknown, extras?: Extras): Promise<T> {
    const response = await this.request(method, path, body, extras);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}
