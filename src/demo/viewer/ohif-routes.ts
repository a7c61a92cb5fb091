import express, { Router } from 'express';

/** Where OHIF shows studies: /viewer?StudyInstanceUIDs=… */
export const OHIF_VIEWER_PATH = '/viewer?StudyInstanceUIDs={studyInstanceUid}';

/**
 * A viewer compiles its decoders, and its page has inline scripts: it gets rules of its own, none of it
 * leaves the node.
 */
const VIEWER_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data: blob:",
  "connect-src 'self' data: blob:",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * OHIF beside the node's pages and its archive, under one origin.
 * @param dist the built viewer's folder
 * @param onConfig script that runs with the viewer's `servicesManager` in reach; for tests
 */
export function ohifRoutes(dist: string, onConfig = ''): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set({
      'Content-Security-Policy': VIEWER_POLICY,
      // Without these the browser gives the viewer no shared memory, which its volumes need.
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    next();
  });
  router.get('/app-config.js', (_request, response) => void response.type('js').send(appConfig(onConfig)));
  router.use(express.static(dist, { index: false }));
  router.get(['/viewer', '/viewer/{*rest}'], (_request, response) =>
    response.sendFile('index.html', { root: dist }),
  );
  return router;
}

/** Tells the viewer where the archive is. */
const appConfig = (onConfig: string): string => `
window.config = ({ servicesManager }) => {
  ${onConfig}
  return {
    routerBasename: null,
    extensions: [],
    modes: [],
    customizationService: {},
    showStudyList: true,
    // A browser that draws without a graphics card has no processor to spare for decoding in parallel.
    maxNumberOfWebWorkers: 1,
    showCPUFallbackMessage: false,
    showWarningMessageForCrossOrigin: false,
    strictZSpacingForVolumeViewport: true,
    investigationalUseDialog: { option: 'never' },
    defaultDataSourceName: 'archive',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'archive',
        configuration: {
          friendlyName: 'archive',
          name: 'archive',
          qidoRoot: '/dicom-web',
          wadoRoot: '/dicom-web',
          wadoUriRoot: '/dicom-web',
          qidoSupportsIncludeField: true,
          supportsFuzzyMatching: false,
          supportsWildcard: false,
          imageRendering: 'wadors',
          thumbnailRendering: 'wadors',
          enableStudyLazyLoad: true,
          omitQuotationForMultipartRequest: false,
        },
      },
    ],
  };
};
`;
