//! The attributes of the wasm-faas Rust SDK. Written on the compiler's own token types, because parsing and quoting crates
//! would cost an author's first build more than everything else in it.

mod handler;

use handler::{Error, Handler};
use proc_macro::{Group, Span, TokenStream, TokenTree};

/// Exports the function below as the component's handler, called for one event at a time:
/// `fn handle(event: Event) -> Result<Response>`, also `async`. See [`IntoResponse`] for what it may return.
///
/// [`IntoResponse`]: https://docs.rs/wasm-faas-sdk/latest/wasm_faas/trait.IntoResponse.html
#[proc_macro_attribute]
pub fn function(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("function", arguments, item, |handler| {
        let run = if handler.is_async { "run_async" } else { "run" };
        format!(
            "const _: () = {{
                struct Function;
                impl ::wasm_faas::runtime::Guest for Function {{
                    fn handle(
                        event: ::wasm_faas::runtime::RawEvent,
                    ) -> ::core::result::Result<::wasm_faas::runtime::RawResponse, ::wasm_faas::runtime::Failure> {{
                        ::wasm_faas::runtime::{run}(HANDLER, event)
                    }}
                }}
                ::wasm_faas::bindings::function::export_function!(
                    Function with_types_in ::wasm_faas::bindings::function
                );
            }};"
        )
    })
}

/// Exports the function below as the component's handler, called for up to 100 events at once:
/// `fn handle(events: Vec<Event>) -> Vec<Result<()>>`, also `async`, one answer per event in the order given. An answer
/// of another length counts as a failure of all of them.
#[proc_macro_attribute]
pub fn batch_function(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("batch_function", arguments, item, |handler| {
        let run = if handler.is_async { "run_batch_async" } else { "run_batch" };
        format!(
            "const _: () = {{
                struct Function;
                impl ::wasm_faas::runtime::BatchGuest for Function {{
                    fn handle_batch(
                        events: ::std::vec::Vec<::wasm_faas::runtime::RawEvent>,
                    ) -> ::std::vec::Vec<::core::result::Result<(), ::wasm_faas::runtime::Failure>> {{
                        ::wasm_faas::runtime::{run}(HANDLER, events)
                    }}
                }}
                ::wasm_faas::bindings::batch_function::export_batch_function!(
                    Function with_types_in ::wasm_faas::bindings::batch_function
                );
            }};"
        )
    })
}

/// The item as it was, and behind it its export, or the error.
fn expand(
    attribute: &str,
    arguments: TokenStream,
    item: TokenStream,
    export: impl FnOnce(&Handler) -> String,
) -> TokenStream {
    let expanded = check_arguments(attribute, arguments).and_then(|()| Handler::parse(attribute, item.clone()));
    let added = expanded.and_then(|handler| {
        let export: TokenStream =
            export(&handler).parse().map_err(|error| Error::new(Span::call_site(), format!("{error}")))?;
        Ok(name_handler(export, &handler))
    });
    item.into_iter().chain(added.unwrap_or_else(Error::into_tokens)).collect()
}

fn check_arguments(attribute: &str, arguments: TokenStream) -> Result<(), Error> {
    match arguments.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(Error::new(first.span(), format!("`#[wasm_faas::{attribute}]` takes no arguments"))),
    }
}

/// Puts the handler's own identifier, which knows its place in the source, where the template says `HANDLER`.
fn name_handler(template: TokenStream, handler: &Handler) -> TokenStream {
    let named = template.into_iter().map(|token| match token {
        TokenTree::Ident(ident) if ident.to_string() == "HANDLER" => handler.name.clone().into(),
        TokenTree::Group(group) => {
            let mut filled = Group::new(group.delimiter(), name_handler(group.stream(), handler));
            filled.set_span(group.span());
            filled.into()
        }
        other => other,
    });
    named.collect()
}
