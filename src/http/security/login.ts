import express, { type ErrorRequestHandler, type Router } from 'express';
import { z } from 'zod';
import { html } from '../html.ts';
import { HttpError } from '../http-error.ts';
import type { Authenticator } from './authenticator.ts';
import type { Principal } from './principal.ts';

/** An access token of an identity provider with many claims has some kilobytes. */
const MAX_FORM_BYTES = 32_768;

const formSchema = z.object({ token: z.string().trim().min(1) });

export interface LoginParts {
  readonly authenticator: Authenticator;
  readonly basePath: string;
  /** Counts wrong tokens. */
  readonly limitWrong: ErrorRequestHandler;
  /** Told of every one who came in, and left. */
  readonly onSession: (event: 'login' | 'logout', principal: Principal, address: string) => void;
}

/** /login: a page that takes a token and gives a session cookie for it. /logout ends the session. */
export function loginRoutes({ authenticator, basePath, limitWrong, onSession }: LoginParts): Router {
  const router = express.Router();
  router.get('/login', (_request, response) => {
    response.set('Cache-Control', 'no-store').type('html').send(loginPage(basePath));
  });
  const form = express.urlencoded({ extended: false, limit: MAX_FORM_BYTES });
  router.post('/login', form, async (request, response) => {
    const { token } = formSchema.parse(request.body ?? {});
    onSession('login', await authenticator.logIn(request, response, token), request.ip ?? '');
    response.redirect(303, `${basePath}/`);
  });
  router.use('/login', limitWrong, refused(basePath));
  router.post('/logout', (request, response) => {
    const { principal } = response.locals;
    authenticator.logOut(request, response);
    if (principal) onSession('logout', principal, request.ip ?? '');
    response.redirect(303, `${basePath}/login`);
  });
  return router;
}

/** A person who mistyped a token sees the form again; programs get the common answer. */
function refused(basePath: string): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (!(error instanceof HttpError) || request.accepts(['json', 'html']) !== 'html') return next(error);
    const problem =
      error.code === 'CREDENTIALS_REFUSED' ? 'This token is wrong, expired or revoked.' : error.message;
    response
      .status(error.status)
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(loginPage(basePath, problem));
  };
}

const loginPage = (basePath: string, problem = ''): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in: pansegnet-node</title>
<link rel="icon" href="${basePath}/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${basePath}/assets/style.css">
</head>
<body>
<main id="content">
<h1>pansegnet-node</h1>
${problem ? html`<p role="alert">${problem}</p>` : ''}
<form method="post" action="${basePath}/login">
<p><label for="token">Token</label></p>
<p><input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>
<p><button type="submit">Log in</button></p>
</form>
<p>An administrator makes tokens with <code>pansegnet-node token add</code>.</p>
</main>
</body>
</html>`.text;
