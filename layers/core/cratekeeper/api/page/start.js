// Shows the document of the host that serves this page. No key is kept beyond the tab.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#document",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  // No badge of a validator that stands elsewhere.
  validatorUrl: null,
});
