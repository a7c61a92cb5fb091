/**
 * The part of dicomweb-client 0.11.3 that is used here. The package's own types promise plain arrays of `any`
 * where promises of foreign JSON come; here every answer is `unknown` until it was checked.
 */
declare module 'dicomweb-client' {
  import type XMLHttpRequest from 'xhr2';

  interface Options {
    queryParams?: Readonly<Record<string, string>>;
    request: { instance: XMLHttpRequest };
  }
  interface ClientOptions {
    url: string;
    headers: Readonly<Record<string, string>>;
    verbose: boolean;
    /** Called after open() and before send(); the library looks at the number of parameters. */
    requestHooks: ((request: XMLHttpRequest, metadata: unknown) => XMLHttpRequest)[];
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
