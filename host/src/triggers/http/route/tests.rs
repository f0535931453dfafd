use super::*;
use crate::config::Target as Goal;
use crate::triggers::http::Files;

fn routes(triggers: &[(&str, &str, &[&str])]) -> Routes {
    let mut routes = Routes::default();
    for (host, path, methods) in triggers {
        let mut trigger = HttpTrigger::every_path("f");
        trigger.path = (*path).to_owned();
        trigger.host = (!host.is_empty()).then(|| (*host).to_owned());
        trigger.methods = methods.iter().map(|method| (*method).to_owned()).collect();
        trigger.target = Goal::Files(format!("{host}{path}{}", methods.join("+")).into());
        routes.add(trigger, Target::Files(Files::new(std::env::temp_dir().as_path()).unwrap())).unwrap();
    }
    routes
}

/// Which route it is, and the parameters.
fn find(routes: &Routes, request: &str) -> String {
    let (method, rest) = request.split_once(' ').unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    match routes.find(host, path, &method.parse().unwrap()) {
        Found::Route { route, parameters } => {
            let Goal::Files(name) = &route.trigger.target else { unreachable!() };
            format!("{} {:?}", name.display(), decoded(&parameters))
        }
        Found::OtherMethods(methods) => format!("only {methods:?}"),
        Found::Nothing => "nothing".into(),
    }
}

#[test]
fn exact_goes_before_parameter_before_wildcard() {
    let routes = routes(&[
        ("", "/users/me", &[]),
        ("", "/users/{id}", &[]),
        ("", "/users/{id}/posts/{post}", &[]),
        ("", "/users/{*rest}", &[]),
        ("", "/{*rest}", &[]),
        ("", "/", &[]),
        ("", "/{folder}/{file}", &[]),
        ("", "/{folder}", &[]),
    ]);
    let requests = [
        "GET a/users/me",
        "GET a/users/7",
        "GET a/users/a%2Fb%20c",
        "GET a/users/7/posts/9",
        "GET a/users/7/likes/9",
        "GET a/users/",
        "GET a/users",
        "GET a/else",
        "GET a/else/where",
        "GET a/else/where/not",
        "GET a/",
    ];
    insta::assert_snapshot!(requests.map(|request| find(&routes, request)).join("\n"), @r#"
    /users/me []
    /users/{id} [("id", "7")]
    /users/{id} [("id", "a/b c")]
    /users/{id}/posts/{post} [("id", "7"), ("post", "9")]
    /users/{*rest} [("rest", "7/likes/9")]
    /users/{*rest} []
    /users/{*rest} []
    /{folder} [("folder", "else")]
    /{folder}/{file} [("folder", "else"), ("file", "where")]
    /{*rest} [("rest", "else/where/not")]
    / []
    "#);
}

#[test]
fn hosts_by_name_go_before_their_domain_and_that_before_all() {
    let routes = routes(&[
        ("api.example.com", "/a", &[]),
        ("*.example.com", "/a", &[]),
        ("*.deep.example.com", "/a", &[]),
        ("", "/a", &[]),
        ("", "/b", &[]),
    ]);
    let requests = [
        "GET API.example.com/a",
        "GET x.example.com/a",
        "GET y.x.deep.example.com/a",
        "GET example.com/a",
        "GET api.example.com/b",
    ];
    insta::assert_snapshot!(requests.map(|request| find(&routes, request)).join("\n"), @r"
    api.example.com/a []
    *.example.com/a []
    *.deep.example.com/a []
    /a []
    /b []
    ");
}

#[test]
fn a_named_method_goes_before_all_methods_and_head_follows_get() {
    let routes = routes(&[("", "/a", &["GET"]), ("", "/a", &[]), ("", "/b", &["GET", "PUT"])]);
    let requests = ["GET x/a", "HEAD x/a", "POST x/a", "HEAD x/b", "DELETE x/b", "OPTIONS x/b"];
    insta::assert_snapshot!(requests.map(|request| find(&routes, request)).join("\n"), @r"
    /aGET []
    /aGET []
    /a []
    /bGET+PUT []
    only [GET, PUT]
    only [GET, PUT]
    ");
}

#[test]
fn bad_triggers_say_why() {
    let mut routes = routes(&[("", "/a/{x}", &[])]);
    let mut add = |path: &str, methods: &[&str]| {
        let mut trigger = HttpTrigger::every_path("f");
        trigger.path = path.into();
        trigger.methods = methods.iter().map(|method| (*method).to_owned()).collect();
        let target = Target::Files(Files::new(std::env::temp_dir().as_path()).unwrap());
        routes.add(trigger, target).unwrap_err().to_string()
    };
    let errors = [add("/a/{y}", &[]), add("/b/{", &[]), add("/c", &["G T"])];
    insta::assert_snapshot!(errors.join("\n"), @r"
    the path `/a/{y}` cannot be a route: Insertion failed due to conflict with previously registered route: /a/{x}
    the path `/b/{` cannot be a route: Parameters must be registered with a valid name
    `G T` is no HTTP method
    ");
}
