/** The part of xhr2 0.2.1 that is used here; the package ships no types. */
declare module 'xhr2' {
  import type http from 'node:http';
  import type https from 'node:https';

  class XMLHttpRequest {
    /** Milliseconds without a byte after which the request fails; 0: never. */
    timeout: number;
    readonly status: number;
    /** Parsed JSON or text, by responseType; null where the connection broke or JSON did not parse. */
    readonly response: unknown;
    setRequestHeader(name: string, value: string): void;
    getResponseHeader(name: string): string | null;
    overrideMimeType(type: string): void;
    abort(): void;
    addEventListener(type: 'error' | 'timeout' | 'abort' | 'loadend', listener: () => void): void;
    nodejsSet(options: { httpAgent?: http.Agent; httpsAgent?: https.Agent }): void;
    protected _onHttpRequestError(request: http.ClientRequest, error: Error): void;
    protected _onHttpResponse(request: http.ClientRequest, response: http.IncomingMessage): void;
  }
  export default XMLHttpRequest;
}
