/**
 * The part of dicomweb-client 0.11.3 that is used here. The package's own types promise plain arrays of `any`
 * where promises of foreign JSON come; here every answer is `unknown` until it was checked.
 */
declare module 'dicomweb-client' {
  /** What the library does with the XMLHttpRequest that it is given. */
  export interface RequestInstance {
    responseType: string;
    readonly readyState: number;
    readonly status: number;
    readonly response: unknown;
    onreadystatechange: (() => void) | null;
    open(method: string, url: string): void;
    setRequestHeader(name: string, value: string): void;
    getResponseHeader(name: string): string | null;
    getAllResponseHeaders(): string;
    send(data?: ArrayBuffer): void;
  }
  interface Options {
    queryParams?: Readonly<Record<string, string>>;
    request: { instance: RequestInstance };
  }
  interface ClientOptions {
    url: string;
    verbose: boolean;
  }
  export namespace api {
    class DICOMwebClient {
      constructor(options: ClientOptions);
      searchForStudies(options: Options): Promise<unknown>;
      searchForSeries(options: Options & { studyInstanceUID: string }): Promise<unknown>;
      searchForInstances(
        options: Options & { studyInstanceUID: string; seriesInstanceUID: string },
      ): Promise<unknown>;
      retrieveSeriesMetadata(
        options: Options & { studyInstanceUID: string; seriesInstanceUID: string },
      ): Promise<unknown>;
      retrieveInstanceMetadata(
        options: Options & { studyInstanceUID: string; seriesInstanceUID: string; sopInstanceUID: string },
      ): Promise<unknown>;
      storeInstances(
        options: Options & { studyInstanceUID?: string; datasets: readonly Uint8Array[] },
      ): Promise<unknown>;
    }
  }
}
