//! Reads as much of a function item as the export needs: whether it is `async`, its name, that it takes one argument.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

pub(crate) struct Handler {
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
}

impl Handler {
    pub(crate) fn parse(attribute: &str, item: TokenStream) -> Result<Self, Error> {
        let mut tokens = item.into_iter().peekable();
        let mut is_async = false;
        loop {
            let token = tokens.next().ok_or_else(|| not_a_function(attribute, Span::call_site()))?;
            match (&token, word(&token).as_deref()) {
                (_, Some("fn")) => break,
                (_, Some("async")) => is_async = true,
                (_, Some("unsafe" | "const" | "extern")) => {
                    return Err(Error::new(token.span(), "a handler is a plain `fn` or `async fn`".to_owned()));
                }
                // An attribute or a doc comment, and the path in `pub(crate)`.
                (TokenTree::Punct(punct), _) if punct.as_char() == '#' => {}
                (TokenTree::Group(_), _) | (_, Some("pub")) => {}
                _ => return Err(not_a_function(attribute, token.span())),
            }
        }
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return Err(not_a_function(attribute, Span::call_site()));
        };
        match tokens.next() {
            Some(TokenTree::Group(parameters)) => check_parameters(&name, &parameters)?,
            _ => return Err(Error::new(name.span(), format!("`{name}` is exported and so cannot be generic"))),
        }
        Ok(Self { name, is_async })
    }
}

fn word(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

fn not_a_function(attribute: &str, span: Span) -> Error {
    Error::new(
        span,
        format!("`#[wasm_faas::{attribute}]` goes on a function: `fn handle(event: Event) -> Result<Response>`"),
    )
}

/// Exactly one parameter, and not `self`. Commas inside `<>` separate no parameters.
fn check_parameters(name: &Ident, parameters: &Group) -> Result<(), Error> {
    let mut count = 0;
    let mut depth = 0_u32;
    let mut in_parameter = false;
    for token in parameters.stream() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth = depth.saturating_sub(1),
            TokenTree::Punct(punct) if punct.as_char() == ',' && depth == 0 => in_parameter = false,
            _ if word(&token).as_deref() == Some("self") => {
                return Err(Error::new(token.span(), format!("`{name}` must be a free function, not a method")));
            }
            _ if !in_parameter => {
                in_parameter = true;
                count += 1;
            }
            _ => {}
        }
    }
    if count == 1 {
        return Ok(());
    }
    Err(Error::new(parameters.span(), format!("`{name}` takes one parameter, the event; it has {count}")))
}

/// A message for the author, at the place it is about.
pub(crate) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(crate) fn new(span: Span, message: String) -> Self {
        Self { span, message }
    }

    /// `::core::compile_error! { "message" }`
    pub(crate) fn into_tokens(self) -> TokenStream {
        let path = ["core", "compile_error"].into_iter().flat_map(|name| {
            let colon = |spacing| TokenTree::from(Punct::new(':', spacing));
            [colon(Spacing::Joint), colon(Spacing::Alone), Ident::new(name, self.span).into()]
        });
        let message = TokenStream::from(TokenTree::from(Literal::string(&self.message)));
        let call = [Punct::new('!', Spacing::Alone).into(), Group::new(Delimiter::Brace, message).into()];
        path.chain(call)
            .map(|mut token| {
                token.set_span(self.span);
                token
            })
            .collect()
    }
}
